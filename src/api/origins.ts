// Which pages may open a socket: browsers send their page's Origin with the handshake, and CORS does not apply to it.
import type { FastifyRequest } from 'fastify';

/** Pages of this very host and of the configured origins; programs send no Origin and may too. */
export function createOriginCheck(allowed: readonly string[]): (request: FastifyRequest) => boolean {
  return (request) => {
    const { origin, host } = request.headers;
    if (origin === undefined || allowed.includes(origin)) return true;
    const page = URL.parse(origin);
    return page !== null && /^https?:$/.test(page.protocol) && page.host === host && page.origin === origin;
  };
}
