// The site's own page: built files under hashed names, which may be kept for ever, and `index.html` for every address
// that the page routes by itself.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyPluginAsync } from 'fastify';

const BUILT = fileURLToPath(new URL('../../../web/dist', import.meta.url));
/** Addresses of the page; anything else is not found. */
const ROUTES = ['/', '/following', '/signin', '/signup', '/search', '/people/:id', '/posts/:id'];
const YEAR_MS = 365 * 86_400_000;

export function createPagesDoor(): FastifyPluginAsync {
  return async (app) => {
    const built = existsSync(`${BUILT}/index.html`);
    app.setNotFoundHandler(async (request, reply) => {
      reply.header('vary', [reply.getHeader('vary'), 'Accept'].join(', '));
      const wantsPage = built && request.method === 'GET' && request.headers.accept?.includes('text/html');
      if (wantsPage && !/^\/(api|media|ws|assets)\//.test(request.url))
        return reply.code(404).sendFile('index.html');
      return reply.code(404).send({ detail: 'Not found.' });
    });
    if (!built) {
      const notice = 'Veranda is running. Its page is not built yet: npm run build:web, then start again.\n';
      app.get('/', async (_request, reply) => reply.type('text/plain; charset=utf-8').send(notice));
      return;
    }
    await app.register(fastifyStatic, {
      root: BUILT,
      // Only what the build made is a route: no folder is listed, no other file reached.
      wildcard: false,
      index: false,
      preCompressed: true,
      cacheControl: false,
      setHeaders: (reply, path) => {
        const hashed = path.includes('/assets/');
        reply.header('cache-control', hashed ? `public, max-age=${YEAR_MS / 1_000}, immutable` : 'no-cache');
      },
    });
    for (const url of ROUTES) {
      app.route({ method: ['GET', 'HEAD'], url, handler: (_request, reply) => reply.sendFile('index.html') });
    }
  };
}
