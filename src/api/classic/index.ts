// The classic door: the wire of the Django original, exactly, so that its React client works unchanged.
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyPluginAsync, HTTPMethods } from 'fastify';
import type { z } from 'zod';
import { accountRoutes } from './accounts.ts';
import { answerError } from './errors.ts';
import { chunkRoutes, mediaRoutes } from './media.ts';
import type { ClassicOptions } from './options.ts';
import { passwordRoutes } from './passwords.ts';
import { postSockets, type PostSocketsOptions } from './post-sockets.ts';
import { createPostTexts } from './post-texts.ts';
import { postsRoutes } from './posts.ts';
import { profileRoutes } from './profiles.ts';
import { talkRoutes } from './talk.ts';
import * as schemas from './schemas.ts';
import { videoRoutes } from './videos.ts';

/** What the wire speaks of. */
export const classicNouns = {
  ...{ Profile: schemas.profile, Post: schemas.post, Media: schemas.media, Captions: schemas.captions },
  ...{ Tokens: schemas.tokens, Sentence: schemas.sentence },
};

type Given = Omit<ClassicOptions, 'postTexts'> & {
  postCacheBytes: number;
  socketMeasures: PostSocketsOptions['socketMeasures'];
};

export function createClassicDoor(given: Given): FastifyPluginAsync {
  return async (app) => {
    const postTexts = createPostTexts({ posts: given.posts, capacity: given.postCacheBytes });
    const options = { ...given, postTexts };
    app.setErrorHandler(answerError);
    app.addHook('onSend', async (_request, reply) => {
      // The original names no charset.
      if (String(reply.getHeader('content-type')).startsWith('application/json'))
        reply.header('content-type', 'application/json');
    });
    await app.register(withRefusals(withForms(accountRoutes), options), { prefix: '/api/users' });
    await app.register(withRefusals(passwordRoutes, options), { prefix: '/api/users' });
    await app.register(withRefusals(profileRoutes, options), { prefix: '/api/users' });
    await app.register(withRefusals(postsRoutes, options), { prefix: '/api/posts' });
    await app.register(withRefusals(talkRoutes, options), { prefix: '/api/posts' });
    await app.register(withRefusals(mediaRoutes, options), { prefix: '/api/posts' });
    await app.register(withRefusals(videoRoutes, options), { prefix: '/api/posts' });
    await app.register(withRefusals(withForms(chunkRoutes), options), { prefix: '/api/posts' });
    const { socketsPerAddress } = options.limits;
    await app.register(postSockets, { ...options, socketsPerAddress });
  };
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Open to everybody; any other route wants a token. */
    public?: boolean;
    /** The fields of a body that the route reads by itself, as a form or as JSON. */
    form?: z.ZodType;
  }
}

const METHODS: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

type Routes = (app: FastifyInstance, options: ClassicOptions) => Promise<void>;

/** Multipart bodies are for these routes; any other answers 415 to them. */
function withForms(routes: Routes): Routes {
  return async (app, options) => {
    await app.register(multipart);
    await routes(app, options);
  };
}

/**
 * Whoever comes too often or has no good token is told so before a byte of the body is read. Known paths answer 405, with `Allow`, for the
 * methods they do not have.
 */
function withRefusals(routes: Routes, options: ClassicOptions): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', options.requestLimits.check);
    app.addHook('onRequest', async (request) => {
      if (!request.routeOptions.config.public) await options.viewers.require(request);
    });
    const known = new Map<string, Set<HTTPMethods>>();
    app.addHook('onRoute', (route) => {
      const methods = known.get(route.routePath) ?? new Set();
      for (const method of [route.method].flat()) methods.add(method as HTTPMethods);
      known.set(route.routePath, methods);
    });
    await routes(app, options);
    // The hook above also hears of what is added here, so both lists are made before.
    for (const [url, methods] of [...known]) {
      const allow = [...methods, 'OPTIONS'].join(', ');
      app.route({
        method: METHODS.filter((method) => !methods.has(method)),
        // The root of a prefix has an empty path, and is served with and without its slash.
        url: url || '/',
        config: { public: true },
        handler: async (request, reply) =>
          reply
            .code(405)
            .header('Allow', allow)
            .send({ detail: `Method "${request.method}" not allowed.` }),
      });
    }
  };
}
