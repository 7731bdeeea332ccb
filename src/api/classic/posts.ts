// `/api/posts/`: the feed, lists and posts. Whoever a body names as author, the token says who it is.
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { PostRef } from '../../features/posts/index.ts';
import { DomainError, notFound } from '../../platform/errors.ts';
import type { ClassicOptions } from './options.ts';
import { pageQuery, readNumber, readPageSize, sendPage } from './pages.ts';
import { joinTexts, sendJson } from './post-texts.ts';
import * as schemas from './schemas.ts';

/** Posts of a page, unless `per_page` says otherwise. */
const PAGE_SIZE = 4;
const SEARCH_LIMIT = 40;
const MAX_PAGE = 1_000_000;

const blank = z.literal('').transform(() => undefined);
const createBody = z.object({
  description: z.string(),
  existingPostId: z.union([schemas.id, blank], 'A valid id is required.').nullish(),
  deleteImages: z.array(schemas.id).max(1_000).nullish(),
});
const feedQuery = pageQuery.extend({ page: z.unknown().optional() });
const created = z.object({ message: z.string(), post_id: z.int() });

export async function postsRoutes(
  app: FastifyInstance,
  { posts, postTexts, viewers }: ClassicOptions,
): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const show = async (reply: FastifyReply, refs: readonly PostRef[]): Promise<FastifyReply> =>
    sendJson(reply, joinTexts(await postTexts.of(refs)));
  const showOne = async (reply: FastifyReply, id: number): Promise<FastifyReply> => {
    const ref = await posts.lists.find(id);
    const [made] = ref ? await postTexts.of([ref]) : [];
    if (!made) throw notFound('post');
    return sendJson(reply, made.text);
  };
  const list = { response: { 200: z.array(schemas.post) } };
  const one = { params: schemas.idParams, response: { 200: schemas.post } };

  routes.get('/', { schema: { querystring: feedQuery, ...list } }, async (request, reply) => {
    const { page, before: behind } = request.query;
    const limit = readPageSize(request.query, { usual: PAGE_SIZE });
    const offset = behind ? 0 : ((readNumber(page, { most: MAX_PAGE }) ?? 1) - 1) * limit;
    const listed = await posts.lists.newest({ behind, offset, limit: limit + 1 });
    return sendPage({ request, reply }, { postTexts, listed, limit });
  });

  routes.get('/following/', { schema: { querystring: pageQuery, ...list } }, async (request, reply) => {
    const viewer = await viewers.require(request);
    const { before: behind } = request.query;
    const limit = readPageSize(request.query, { usual: PAGE_SIZE });
    const listed = await posts.lists.followed({ viewer, behind, limit: limit + 1 });
    return sendPage({ request, reply }, { postTexts, listed, limit });
  });

  routes.get(
    '/post/search',
    {
      config: { public: true },
      schema: { querystring: z.object({ q: z.unknown().optional() }), ...list },
    },
    async (request, reply) => {
      await viewers.find(request);
      const { q } = request.query;
      return show(
        reply,
        await posts.lists.search({ query: typeof q === 'string' ? q : '', limit: SEARCH_LIMIT }),
      );
    },
  );

  for (const slash of ['', '/']) {
    routes.get(
      `/post/:id${slash}`,
      { config: { public: true }, schema: one, errorHandler: asMissingPost },
      async (request, reply) => {
        await viewers.find(request);
        return showOne(reply, request.params.id);
      },
    );

    routes.get(`/post/edit/:id${slash}`, { schema: one }, async (request, reply) => {
      const viewer = await viewers.require(request);
      await posts.lists.checkOwn({ viewer, id: request.params.id });
      return showOne(reply, request.params.id);
    });

    routes.get(
      `/post/delete/:id${slash}`,
      { config: { counts: 'deletes' }, schema: { params: schemas.idParams } },
      async (request, reply) => {
        const viewer = await viewers.require(request);
        const outcome = await posts.writing
          .remove({ viewer, id: request.params.id })
          .then(() => '200', asForeign);
        return reply.type('application/json').serializer(JSON.stringify).send(outcome);
      },
    );
  }

  routes.delete(
    '/post/:id/',
    { config: { counts: 'deletes' }, schema: { params: schemas.idParams } },
    async (request, reply) => {
      await posts.writing.remove({ viewer: await viewers.require(request), id: request.params.id });
      return reply.code(204).send();
    },
  );

  routes.post(
    '/post/create/',
    { schema: { body: createBody, response: { 201: created } } },
    async (request, reply) => {
      const viewer = await viewers.require(request);
      const { description: text, existingPostId, deleteImages } = request.body;
      if (existingPostId)
        await posts.writing.edit({ viewer, id: existingPostId, text, removeMediaIds: deleteImages ?? [] });
      const id = existingPostId ?? (await posts.writing.create({ viewer, text }));
      return reply.code(201).send({ message: 'Post created successfully', post_id: id });
    },
  );
}

/** Somebody else's post is answered 200 with the text "404". */
function asForeign(error: unknown): string {
  if (error instanceof DomainError && error.kind === 'forbidden') return '404';
  throw error;
}

/** The post's own page says so in words of its own. */
function asMissingPost(error: Error, _request: unknown, reply: FastifyReply): void {
  const missing =
    (error instanceof DomainError && error.kind === 'not_found') ||
    ('validationContext' in error && error.validationContext === 'params');
  if (!missing) throw error;
  void reply.code(404).type('application/json').serializer(JSON.stringify).send({ error: 'Post not found' });
}
