// What is kept of each request: one line in the log and one count. Its id comes with every answer, so that somebody who reports
// a failure can name it, and goes with the jobs that come of it; a trusted proxy may give it. Nothing of an address but its route,
// which is one of few.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../platform/metrics/metrics.ts';
import { onBehalfOf } from '../platform/request-id.ts';
import { createProxyCheck } from './proxies.ts';

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
    onBehalfOf(request.id, done);
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

/** The route as it is counted. The page's build makes a route of each of its files. */
export function routeOf(url: string | undefined): string {
  if (url === undefined) return 'none';
  return url.startsWith('/assets/') ? '/assets/*' : url;
}
