// What is kept of each request: one line in the log and one count. Its id comes with every answer, so that somebody who reports
// a failure can name it; a trusted proxy may give it. Nothing of an address but its route, which is one of few.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv6 } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../platform/metrics/metrics.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asked, once that is known. */
    userId?: number;
  }
}

const WELL_FORMED = /^[\w.:-]{8,128}$/;
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Names a request. `trustedProxies` as in the settings. */
export function createRequestIds(trustedProxies: readonly string[]): (request: IncomingMessage) => string {
  const isTrusted = createProxyCheck(trustedProxies);
  return ({ headers, socket }) => {
    const given = headers['x-request-id'];
    const isGiven = typeof given === 'string' && WELL_FORMED.test(given) && isTrusted(socket.remoteAddress);
    return isGiven ? given : randomUUID();
  };
}

/** Answers with the id, and notes every answer. */
export function noteRequests(app: FastifyInstance, metrics: Metrics): void {
  const seconds = metrics.histogram(
    {
      name: 'veranda_http_request_duration_seconds',
      help: 'Time until an answer was sent, by method, route and status.',
      labels: ['method', 'route', 'status'],
    },
    BUCKETS,
  );
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { method, ip, userId } = request;
    const { elapsedTime, statusCode: status } = reply;
    const route = routeOf(request.routeOptions.url);
    const length = reply.getHeader('content-length');
    const bytes = length === undefined ? undefined : Number(length);
    const ms = Math.round(elapsedTime * 10) / 10;
    request.log.info({ ip, user: userId, method, route, status, ms, bytes }, 'request');
    const known = METHODS.has(method) ? method : 'other';
    seconds.observe({ method: known, route, status: String(status) }, elapsedTime / 1_000);
    done();
  });
}

/** The page's build makes a route of each of its files. */
function routeOf(url: string | undefined): string {
  if (url === undefined) return 'none';
  return url.startsWith('/assets/') ? '/assets/*' : url;
}

/** The networks that the three names stand for. */
const NETWORKS: Record<string, readonly string[]> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

function createProxyCheck(proxies: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList();
  for (const entry of proxies.flatMap((proxy) => NETWORKS[proxy] ?? [proxy])) {
    const [network = '', bits] = entry.split('/');
    const family = isIPv6(network) ? 'ipv6' : 'ipv4';
    list.addSubnet(network, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family);
  }
  return (address = '') =>
    proxies.length > 0 && address !== '' && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
