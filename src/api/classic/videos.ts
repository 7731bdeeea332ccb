// `/api/posts/post/add/media/video/…`: what an author may do for a video of theirs. Ours, not the original's.
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { toCaptions } from './objects.ts';
import type { ClassicOptions } from './options.ts';
import * as schemas from './schemas.ts';

const CAPTIONS_BYTES = 1024 ** 2;

const videoBody = z.object({ postID: schemas.id, videoID: schemas.id });
const captionsBody = videoBody.extend({
  language: z.string().max(35),
  label: z.string().max(200).optional(),
  vtt: z.string(),
});
const removalBody = videoBody.extend({ id: z.string().max(40) });

export async function videoRoutes(app: FastifyInstance, { posts, viewers }: ClassicOptions): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const own = ({ postID, videoID }: z.infer<typeof videoBody>) => ({ postId: postID, mediaId: videoID });

  routes.post(
    '/post/add/media/video/retry/',
    { schema: { body: videoBody, response: { 200: schemas.sentence } } },
    async (request) => {
      await posts.videos.retry({ viewer: await viewers.require(request), ...own(request.body) });
      return ['Video queued'];
    },
  );

  routes.post(
    '/post/add/media/video/captions/',
    {
      bodyLimit: CAPTIONS_BYTES,
      schema: { body: captionsBody, response: { 201: schemas.captions } },
    },
    async (request, reply) => {
      const viewer = await viewers.require(request);
      const { language, label = language, vtt } = request.body;
      const track = await posts.videos.addCaptions({ viewer, ...own(request.body), language, label, vtt });
      return reply.code(201).send(toCaptions(track));
    },
  );

  routes.post(
    '/post/add/media/video/captions/remove/',
    { schema: { body: removalBody, response: { 200: schemas.sentence } } },
    async (request) => {
      const viewer = await viewers.require(request);
      await posts.videos.removeCaptions({ viewer, ...own(request.body), id: request.body.id });
      return ['Captions removed'];
    },
  );
}
