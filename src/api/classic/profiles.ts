// `/api/users/`: profiles and follows.
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Viewer } from '../../features/users/index.ts';
import { forbidden } from '../../platform/errors.ts';
import { readDataUrl } from './data-urls.ts';
import { toOwnProfile, toProfileDetail } from './objects.ts';
import type { ClassicOptions } from './options.ts';
import { pageQuery, readPageSize, sendPage } from './pages.ts';
import * as schemas from './schemas.ts';

const POSTS_LISTED = 200;

const update = z.object({
  userID: schemas.id.optional(),
  profile_image: z.string().optional(),
  cover_image: z.string().optional(),
  bio: z.string().optional(),
  first_name: z.string().optional(),
  last_name: z.string().optional(),
  // Of the picture and the cover, which may be new or those that are there.
  profile_image_alt: schemas.description.alt,
  cover_image_alt: schemas.description.alt,
  cover_image_focus: schemas.description.focus,
});

export async function profileRoutes(app: FastifyInstance, options: ClassicOptions): Promise<void> {
  const { profiles, posts, postTexts, viewers, limits } = options;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const pictureText = Math.ceil((limits.pictureBytes * 4) / 3) + 1_024;
  const picture = (text: string): Buffer => readDataUrl(text, { maxBytes: limits.pictureBytes });

  const showOwn = async (viewer: Viewer) => toOwnProfile(await profiles.views.own(viewer), viewer);

  routes.get('/author/', { schema: { response: { 200: schemas.profile } } }, async (request) =>
    showOwn(await viewers.require(request)),
  );

  routes.get(
    '/user/:id/',
    { schema: { params: schemas.idParams, response: { 200: schemas.profile } } },
    async (request) => showProfile(request.params.id, await viewers.require(request)),
  );

  routes.get(
    '/user/posts/:id/',
    {
      schema: {
        ...{ params: schemas.idParams, querystring: pageQuery },
        response: { 200: z.array(schemas.post) },
      },
    },
    async (request, reply) => {
      const limit = readPageSize(request.query, { usual: POSTS_LISTED });
      const { id: profileId } = request.params;
      const { before: behind } = request.query;
      const listed = await posts.lists.byAuthor({ profileId, behind, limit: limit + 1 });
      return sendPage({ request, reply }, { postTexts, listed, limit });
    },
  );

  routes.get(
    '/user/follower/add/:id/',
    {
      config: { counts: 'writes' },
      schema: { params: schemas.idParams, response: { 200: schemas.profile } },
    },
    async (request) => {
      const viewer = await viewers.require(request);
      await profiles.follows.toggle({ viewer, profileId: request.params.id });
      return showProfile(request.params.id, viewer);
    },
  );

  for (const [method, following] of [
    ['PUT', true],
    ['DELETE', false],
  ] as const) {
    routes.route({
      method,
      url: '/user/:id/follow/',
      schema: { params: schemas.idParams, response: { 200: schemas.profile } },
      handler: async (request) => {
        const viewer = await viewers.require(request);
        await profiles.follows.set({ viewer, profileId: request.params.id, following });
        return showProfile(request.params.id, viewer);
      },
    });
  }

  const updated = z.object({ message: z.string(), user: schemas.profile });
  routes.post(
    '/author/update/',
    {
      bodyLimit: 2 * pictureText,
      config: { counts: 'pictures' },
      schema: { body: update, response: { 200: updated } },
    },
    async (request) => {
      const viewer = await viewers.require(request);
      const change = request.body;
      if (change.userID !== undefined && change.userID !== viewer.profileId) {
        throw forbidden('not_your_profile', 'This profile belongs to someone else.');
      }
      await profiles.update({
        viewer,
        picture: change.profile_image ? picture(change.profile_image) : undefined,
        cover: change.cover_image ? picture(change.cover_image) : undefined,
        aboutPicture: { alt: change.profile_image_alt },
        aboutCover: { alt: change.cover_image_alt, focus: change.cover_image_focus },
        bio: change.bio,
        firstName: change.first_name,
        lastName: change.last_name,
      });
      return { message: 'Image Update suffcefull', user: await showOwn(viewer) };
    },
  );

  async function showProfile(id: number, viewer: Viewer) {
    if (id === viewer.profileId) return showOwn(viewer);
    return toProfileDetail(await profiles.views.detail({ id, viewer }));
  }
}
