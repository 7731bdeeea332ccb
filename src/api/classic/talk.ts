// `/api/posts/`: comments, replies and likes. Whoever a body names as author, the token says who it is.
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ClassicOptions } from './options.ts';
import * as schemas from './schemas.ts';

const response = { 200: schemas.sentence };

export async function talkRoutes(app: FastifyInstance, { posts, viewers }: ClassicOptions): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const text = z.object({ postID: schemas.id, commentContent: z.string() });
  routes.post('/post/add/comment/', { schema: { body: text, response } }, async (request) => {
    const viewer = await viewers.require(request);
    await posts.writing.comment({ viewer, postId: request.body.postID, text: request.body.commentContent });
    return ['Comment was added scucessfully'];
  });

  const reply = z.object({ commentID: schemas.id, commentContent: z.string() });
  routes.post('/post/add/reply/', { schema: { body: reply, response } }, async (request) => {
    const viewer = await viewers.require(request);
    await posts.writing.reply({
      viewer,
      commentId: request.body.commentID,
      text: request.body.commentContent,
    });
    return ['Reply was added scucessfully'];
  });

  routes.post(
    '/post/add/like/',
    { schema: { body: z.object({ postID: schemas.id }), response } },
    async (request) => {
      await posts.likes.toggle({
        viewer: await viewers.require(request),
        id: request.body.postID,
        level: 'post',
      });
      return ['Like was added scucessfully'];
    },
  );

  for (const [path, level] of [
    ['comment', 'comment'],
    ['reply', 'reply'],
  ] as const) {
    routes.post(
      `/post/add/${path}/like/`,
      { schema: { body: z.object({ commentID: schemas.id }), response } },
      async (request) => {
        await posts.likes.toggle({
          viewer: await viewers.require(request),
          id: request.body.commentID,
          level,
        });
        return ['Like addeed to comment'];
      },
    );
  }

  for (const [method, liked] of [
    ['PUT', true],
    ['DELETE', false],
  ] as const) {
    routes.route({
      method,
      url: '/post/:id/like/',
      schema: { params: schemas.idParams, response },
      handler: async (request) => {
        await posts.likes.set({ viewer: await viewers.require(request), id: request.params.id, liked });
        return [liked ? 'Liked' : 'Not liked'];
      },
    });
  }
}
