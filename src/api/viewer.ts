// Who is asking, from the Authorization header alone (RFC 6750 section 2.1): never from a body, a query or a cookie.
import type { FastifyRequest } from 'fastify';
import type { Sessions, Viewer } from '../features/users/index.ts';
import { unauthenticated } from '../platform/errors.ts';

export interface Viewers {
  /** Throws `unauthenticated`: `no_credentials`, `bad_header`, or what the token's check says. */
  require(request: FastifyRequest): Promise<Viewer>;
  /** Undefined without a Bearer header; throws for a bad token all the same. */
  find(request: FastifyRequest): Promise<Viewer | undefined>;
}

export function createViewers(sessions: Sessions): Viewers {
  const known = new WeakMap<FastifyRequest, Viewer>();
  const find = async (request: FastifyRequest): Promise<Viewer | undefined> => {
    const token = readBearer(request.headers.authorization);
    if (token === undefined) return undefined;
    const viewer = known.get(request) ?? (await sessions.authenticate(token));
    known.set(request, viewer);
    request.userId = viewer.userId;
    return viewer;
  };
  return {
    find,
    async require(request) {
      const viewer = await find(request);
      if (!viewer) throw unauthenticated('no_credentials', 'Authentication credentials were not provided.');
      return viewer;
    },
  };
}

function readBearer(header: string | undefined): string | undefined {
  const [scheme, token, ...rest] = (header ?? '').trim().split(/ +/);
  if (scheme !== 'Bearer') return undefined;
  if (token === undefined || rest.length > 0) {
    throw unauthenticated('bad_header', 'Authorization header must contain two space-delimited values');
  }
  return token;
}
