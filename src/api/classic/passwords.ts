// `/api/users/user/password/` and `…/delete/`: a new password for oneself, and the end of one's account. Ours, not the original's.
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ClassicOptions } from './options.ts';
import * as schemas from './schemas.ts';

const BODY_BYTES = 16_384;

export async function passwordRoutes(
  app: FastifyInstance,
  { users, posts, viewers }: ClassicOptions,
): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const body = z.object({ password: z.string(), new_password: z.string() });
  routes.post(
    '/user/password/',
    { bodyLimit: BODY_BYTES, schema: { body, response: { 200: schemas.tokens } } },
    async (request) => {
      const viewer = await viewers.require(request);
      const { password: present, new_password: password } = request.body;
      return users.passwords.change({ viewer, present, password });
    },
  );

  const departure = z.object({ password: z.string() });
  const accepted = z.object({ message: z.string() });
  routes.post(
    '/user/delete/',
    { bodyLimit: BODY_BYTES, schema: { body: departure, response: { 202: accepted } } },
    async (request, reply) => {
      const viewer = await viewers.require(request);
      await posts.departures.leave({ viewer, password: request.body.password });
      return reply.code(202).send({ message: 'Your account and all that is yours is being deleted.' });
    },
  );
}
