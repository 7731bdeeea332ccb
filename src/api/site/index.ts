// What a client asks before it speaks to a site: what may be posted here, and how the API looks. For everybody to read.
import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiDescription } from './description.ts';

export { createApiDescription } from './description.ts';

/** What differs from site to site, in the words of the wire. Times are in seconds. */
const facts = z.object({
  software: z.literal('veranda'),
  version: z.string(),
  name: z.string(),
  /** Whom people ask, in the operator's words; empty when nothing was said. */
  contact: z.string(),
  sign_up: z.enum(['open', 'closed']),
  limits: z.object({
    post_characters: z.int(),
    comment_characters: z.int(),
    media_per_post: z.int(),
    picture_bytes: z.int(),
    video_bytes: z.int(),
    video_seconds: z.number(),
    chunk_bytes: z.int(),
    upload_seconds: z.number(),
  }),
  /** Ways that bytes may come. */
  uploads: z.array(z.enum(['tus', 'parts', 'form', 'chunks', 'draft'])),
  /** Heights that videos are made in. */
  video_sizes: z.array(z.int()),
  picture_formats: z.array(z.enum(['webp', 'avif'])),
});

export type SiteFacts = z.infer<typeof facts>;

export function createSiteDoor(options: {
  facts: SiteFacts;
  description: ApiDescription;
}): FastifyPluginAsync {
  const read = { method: ['GET', 'HEAD'], config: { public: true } };
  return async (app) => {
    const routes = app.withTypeProvider<ZodTypeProvider>();
    for (const url of ['/api/site', '/api/site/'])
      routes.route({
        ...{ ...read, url, schema: { response: { 200: facts } } },
        handler: async () => options.facts,
      });
    app.route({
      ...{ ...read, url: '/api/openapi.json' },
      handler: async (_request, reply) => reply.type('application/json').send(options.description.text()),
    });
  };
}
