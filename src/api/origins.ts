// Which pages may open a socket: browsers send their page's Origin with the handshake, and CORS does not apply to it.
import type { FastifyRequest } from 'fastify';

/** Pages of this very host and of the configured origins; programs send no Origin and may too. */
export function createOriginCheck(allowed: readonly string[]): (request: FastifyRequest) => boolean {
  return (request) => {
    const { origin, host } = request.headers;
    if (origin === undefined || allowed.includes(origin)) return true;
    return URL.canParse(origin) && new URL(origin).host === host && new URL(origin).origin === origin;
  };
}
