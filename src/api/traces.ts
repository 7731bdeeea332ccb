// A span for each request, named by its route. A trusted proxy may say within which trace it is.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { OpenSpan, Tracing } from '../platform/tracing/tracing.ts';
import { createProxyCheck } from './proxies.ts';
import { routeOf } from './requests.ts';

export function traceRequests(
  app: FastifyInstance,
  { tracing, trustedProxies }: { tracing: Tracing; trustedProxies: readonly string[] },
): void {
  if (!tracing.isOn) return;
  const isTrusted = createProxyCheck(trustedProxies);
  const spans = new WeakMap<FastifyRequest, OpenSpan>();
  app.addHook('onRequest', (request, _reply, done) => {
    const { method, headers, raw } = request;
    const route = routeOf(request.routeOptions.url);
    const attributes = { 'http.request.method': method, 'http.route': route, 'request.id': request.id };
    const parent = isTrusted(raw.socket.remoteAddress) ? String(headers['traceparent']) : undefined;
    const span = tracing.begin({ name: `${method} ${route}`, kind: 'server', attributes }, parent);
    spans.set(request, span);
    span.enter(done);
  });
  // A body that had to be waited for has come outside of it.
  app.addHook('preValidation', (request, _reply, done) => {
    const span = spans.get(request);
    if (span) span.enter(done);
    else done();
  });
  app.addHook('onResponse', (request, { statusCode }, done) => {
    spans.get(request)?.end({
      attributes: { 'http.response.status_code': statusCode },
      failed: statusCode >= 500,
    });
    done();
  });
}
