// The HTTP server: what holds for every door. Host and Origin are checked, headers are safe, errors tell nothing of the inside.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import cors from '@fastify/cors';
import websocket from '@fastify/websocket';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyPluginAsync,
  LogController,
  type RouteOptions,
} from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { type Metrics, noMetrics } from '../platform/metrics/metrics.ts';
import { noTracing, type Tracing } from '../platform/tracing/tracing.ts';
import { createCrossOrigin } from './cross-origin.ts';
import { connectionOptions, guardConnections, type Timeouts } from './connections.ts';
import { createSecureHeaders } from './headers.ts';
import { boundHeldBodies, type HeldBodies } from './held-bodies.ts';
import { createHostCheck } from './hosts.ts';
import { createJsonParser } from './json-bodies.ts';
import { createRequestIds, noteRequests } from './requests.ts';
import { serializerCompiler } from './serializer.ts';
import { traceRequests } from './traces.ts';

export interface ServerOptions {
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
  trustedProxies: readonly string[];
  /** Where stored files are fetched from, when it is not here. */
  filesOrigin?: string | undefined;
  timeouts: Timeouts;
  heldBodies: HeldBodies;
  logger: FastifyBaseLogger;
  metrics?: Metrics;
  tracing?: Tracing;
  doors: readonly FastifyPluginAsync[];
  onRoute: RouteListener | undefined;
  /** May change what a request asks for, before anybody looks for its route. */
  beforeRouting?: (request: IncomingMessage) => void;
  /** Whether this process is about to stop: connections end with their answer then, and the next one goes elsewhere. */
  isDraining?: () => boolean;
}

/** Hears of every route as it is mounted, with its schemas. */
export type RouteListener = (route: RouteOptions) => void;

/** Bytes of a request body unless a route says otherwise. */
const BODY_LIMIT = 2 ** 20;
const HANDSHAKE_MS = 5_000;
const SOCKETS = {
  maxPayload: 65_536,
  perMessageDeflate: false,
  clientTracking: false,
  /** Milliseconds for a peer to answer a close: one that is gone must not hold up the server's stop. */
  closeTimeout: 2_000,
};

export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { allowedOrigins, trustedProxies, logger } = options;
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    genReqId: createRequestIds(trustedProxies),
    bodyLimit: BODY_LIMIT,
    // A HEAD that ran the GET's handler would delete posts and toggle follows.
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    ...connectionOptions(options.timeouts),
    routerOptions: { maxParamLength: 300 },
    rewriteUrl(request) {
      options.beforeRouting?.(request as IncomingMessage);
      return request.url ?? '/';
    },
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
  }).withTypeProvider<ZodTypeProvider>();
  if (options.onRoute) app.addHook('onRoute', options.onRoute);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);

  // What is not JSON or a form is told so (415) instead of being read as text.
  app.removeContentTypeParser('text/plain');
  boundHeldBodies(app, options.heldBodies);
  app.addContentTypeParser('application/json', createJsonParser(app));
  // Before any hook that may refuse: it closes the sockets of refused handshakes, as nobody else does once Node hands
  // them over. What the router itself refuses passes no hook at all, so a handshake has its time too.
  await app.register(websocket, { options: SOCKETS, preClose: () => undefined });
  app.server.on('upgrade', ({ socket }) => socket.setTimeout(HANDSHAKE_MS, () => socket.destroy()));
  // The answer to the handshake, and with it the whole request, would be kept in memory as long as the socket lives.
  app.websocketServer.on('connection', (_socket, { socket }) => {
    const { _httpMessage: answer } = socket as Socket & { _httpMessage?: ServerResponse | null };
    answer?.detachSocket(socket);
  });
  const secureHeaders = createSecureHeaders(options.filesOrigin);
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(secureHeaders);
    if (options.isDraining?.()) reply.header('connection', 'close');
    done();
  });
  noteRequests(app, options.metrics ?? noMetrics);
  traceRequests(app, { tracing: options.tracing ?? noTracing, trustedProxies });
  guardConnections(app, options.timeouts);
  app.addHook('onRequest', createHostCheck(options.allowedHosts));
  app.setErrorHandler<FastifyError>(async (error, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) return reply.code(status).send({ detail: 'The request is not valid.' });
    request.log.error({ err: error }, 'a request failed');
    return reply.code(500).send({ detail: 'Something went wrong on the server.' });
  });
  await app.register(cors, { delegator: createCrossOrigin(allowedOrigins) });
  for (const door of options.doors) await app.register(door);
  return app;
}
