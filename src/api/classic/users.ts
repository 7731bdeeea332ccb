// `/api/users/`: sign-up, tokens, profiles, follows.
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { DomainError, forbidden } from '../../platform/errors.ts';
import { readDataUrl } from './data-urls.ts';
import type { ClassicOptions } from './index.ts';
import { field, type FormValue, parseFields, readFormOrJson } from './forms.ts';
import { toOwnProfile, toPost, toProfileDetail } from './objects.ts';
import * as schemas from './schemas.ts';

const POSTS_LISTED = 200;
const TEXT_FORM_BYTES = 16_384;

const signUpForm = z.object({
  username: field,
  first_name: field.default(''),
  last_name: field.default(''),
  email: field,
  password: field,
  profile_image: z.union([z.string(), z.instanceof(Buffer)], 'Not a valid string.').optional(),
});
const signInForm = z.object({ username: field.min(1, 'This field may not be blank.'), password: field.min(1, 'This field may not be blank.') });
const refreshForm = z.object({ refresh: field });
const signedUp = z.object({ username: z.string(), first_name: z.string(), last_name: z.string(), email: z.string() });
const tokens = z.object({ refresh: z.string(), access: z.string() });
const update = z.object({
  userID: schemas.id.optional(),
  profile_image: z.string().optional(),
  cover_image: z.string().optional(),
  bio: z.string().optional(),
  first_name: z.string().optional(),
  last_name: z.string().optional(),
});

export async function usersRoutes(app: FastifyInstance, options: ClassicOptions): Promise<void> {
  const { users, profiles, posts, viewers, limits } = options;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const pictureText = Math.ceil((limits.pictureBytes * 4) / 3) + 1_024;
  const picture = (value: FormValue): Buffer => (Buffer.isBuffer(value) ? value : readDataUrl(value, { maxBytes: limits.pictureBytes }));

  routes.post('/user/register/', { bodyLimit: pictureText + 65_536, schema: { response: { 201: signedUp } } }, async (request, reply) => {
    const form = parseFields(signUpForm, await readFormOrJson(request, { maxFieldBytes: pictureText }));
    const made = await profiles.signUp({
      address: request.ip,
      picture: form.profile_image?.length ? readSignUpPicture(form.profile_image) : undefined,
      form: {
        username: form.username,
        firstName: form.first_name,
        lastName: form.last_name,
        email: form.email,
        password: form.password,
      },
    });
    return reply.code(201).send({ username: made.username, first_name: made.firstName, last_name: made.lastName, email: made.email });
  });

  function readSignUpPicture(value: FormValue): Buffer {
    try {
      return picture(value);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      throw new DomainError(error.kind, error.code, error.message, { fields: { profile_image: [error.message] } });
    }
  }

  routes.post('/user/token/', { schema: { response: { 200: tokens } } }, async (request) => {
    const { username, password } = parseFields(signInForm, await readFormOrJson(request, { maxFieldBytes: TEXT_FORM_BYTES }));
    return users.accounts.signIn({ username, password, address: request.ip });
  });

  routes.post('/user/token/refresh/', { schema: { response: { 200: tokens } } }, async (request, reply) => {
    const { refresh } = parseFields(refreshForm, await readFormOrJson(request, { maxFieldBytes: TEXT_FORM_BYTES }));
    try {
      return await users.sessions.refresh(refresh);
    } catch (error) {
      return answerDeadToken(error, reply);
    }
  });

  routes.post('/user/logout/', async (request, reply) => {
    const viewer = await viewers.require(request);
    const body = z.object({ refreshToken: z.string().min(1) }).safeParse(request.body);
    // Any refresh token that ever was ours will do, as the access token is good; anything else is a mistake.
    const ended = body.success && (await users.sessions.end({ viewer, refreshToken: body.data.refreshToken }));
    if (!ended) return reply.code(400).send({ detail: 'Failed to logout. Please try again.' });
    return { detail: 'You have successfully logged out.' };
  });

  routes.get('/author/', { schema: { response: { 200: schemas.profile } } }, async (request) =>
    toOwnProfile(await profiles.views.own(await viewers.require(request))),
  );

  routes.get('/user/:id/', { schema: { params: schemas.idParams, response: { 200: schemas.profile } } }, async (request) =>
    showProfile(request.params.id, await viewers.require(request)),
  );

  routes.get('/user/posts/:id/', { schema: { params: schemas.idParams, response: { 200: z.array(schemas.post) } } }, async (request) => {
    await viewers.require(request);
    const ids = await posts.lists.byAuthor({ profileId: request.params.id, limit: POSTS_LISTED });
    return (await posts.views.byId(ids)).map(toPost);
  });

  routes.get('/user/follower/add/:id/', { schema: { params: schemas.idParams, response: { 200: schemas.profile } } }, async (request) => {
    const viewer = await viewers.require(request);
    await profiles.follows.toggle({ viewer, profileId: request.params.id });
    return showProfile(request.params.id, viewer);
  });

  for (const [method, following] of [['PUT', true], ['DELETE', false]] as const) {
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
  routes.post('/author/update/', { bodyLimit: 2 * pictureText, schema: { body: update, response: { 200: updated } } }, async (request) => {
    const viewer = await viewers.require(request);
    const change = request.body;
    if (change.userID !== undefined && change.userID !== viewer.profileId) {
      throw forbidden('not_your_profile', 'This profile belongs to someone else.');
    }
    await profiles.update({
      viewer,
      picture: change.profile_image ? picture(change.profile_image) : undefined,
      cover: change.cover_image ? picture(change.cover_image) : undefined,
      bio: change.bio,
      firstName: change.first_name,
      lastName: change.last_name,
    });
    return { message: 'Image Update suffcefull', user: toOwnProfile(await profiles.views.own(viewer)) };
  });

  async function showProfile(id: number, viewer: Awaited<ReturnType<typeof viewers.require>>) {
    if (id === viewer.profileId) return toOwnProfile(await profiles.views.own(viewer));
    return toProfileDetail(await profiles.views.detail({ id, viewer }));
  }
}

/** A refresh token that is no good has a body of its own. */
function answerDeadToken(error: unknown, reply: FastifyReply): FastifyReply {
  if (!(error instanceof DomainError) || error.kind !== 'unauthenticated') throw error;
  const body = { detail: error.message, code: 'token_not_valid' };
  return reply.code(401).header('WWW-Authenticate', 'Bearer realm="api"').serializer(JSON.stringify).send(body);
}
