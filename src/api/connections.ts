// Connections and what goes wrong on them. Whoever keeps one without using it loses it: headers come soon, a body comes
// on, an answer is read on. A slow client is no fault, nor is a server that thinks. What is no HTTP, or could be read in
// two ways, is refused in one answer and its connection closed (RFC 9112 sections 6.3 and 11.2).
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type {
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestHookHandler,
} from 'fastify';
import { secureHeaders } from './headers.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body may be a file, which takes as long as it takes. */
    bringsFile?: true;
  }
}

/** Milliseconds. */
export interface Timeouts {
  /** Until a request's headers are complete. */
  headersMs: number;
  /** Without a byte of a body that is not complete. */
  bodyMs: number;
  /** Without a byte that moves while an answer is being sent. */
  idleMs: number;
  /** Between two requests: longer than a proxy in front waits, so that it is never the server that hangs up first. */
  keepAliveMs: number;
}

/** A body that is no upload brings at least this many bytes in each second of any `bodyMs`. */
const FLOOR_PER_SECOND = 1_000;
/** More headers than any browser and its proxies send; Node passes over what is beyond its own bound without a word. */
const MAX_HEADERS = 200;
const LINGER_MS = 1_000;

/** What Fastify's factory is given. */
export function connectionOptions({ headersMs, idleMs, keepAliveMs }: Timeouts) {
  return {
    http: { headersTimeout: headersMs, connectionsCheckingInterval: Math.min(2_000, headersMs / 2) },
    // No bound on a whole request: an upload takes as long as it takes.
    requestTimeout: 0,
    connectionTimeout: idleMs,
    keepAliveTimeout: keepAliveMs,
    clientErrorHandler: refuseBadRequest,
    frameworkErrors: refuseBadAddress,
  };
}

export function guardConnections(app: FastifyInstance, timeouts: Timeouts): void {
  const { server } = app;
  const answers = new WeakMap<Socket, ServerResponse>();
  server.maxHeadersCount = MAX_HEADERS;
  server.on('request', (request: IncomingMessage, response: ServerResponse) =>
    answers.set(request.socket, response),
  );
  server.on('timeout', (socket: Socket) => {
    const answer = answers.get(socket);
    const thinks = answer !== undefined && !answer.headersSent && answer.req.complete;
    if (!thinks) socket.destroy();
  });
  server.on('connect', (_request, socket: Duplex) => refuse(socket, 501));
  // What Node closes an answered connection with, whether or not its request has all come.
  server.on('connection', (socket: Socket) => {
    socket.destroySoon = () => hearOut(socket);
  });
  app.addHook('onRequest', refuseOddities);
  app.addHook('onRequest', watchBodies(app, timeouts.bodyMs));
}

/** What the parser lets through: a head without a version, and more headers than it has passed on. */
const refuseOddities: onRequestHookHandler = ({ raw }, reply, done) => {
  const isOld = raw.httpVersionMajor < 1;
  if (!isOld && raw.rawHeaders.length < 2 * MAX_HEADERS) return done();
  const status = isOld ? 400 : 431;
  void reply.code(status).header('connection', 'close').send({ detail: SENTENCES[status] });
  return undefined;
};

interface WatchedBody {
  request: IncomingMessage;
  isUpload: boolean;
  /** Bytes that the connection had brought, and when they were last more. */
  bytes: number;
  movedAt: number;
  /** The current stretch of `bodyMs`. */
  stretch: { bytes: number; since: number };
}

/** Cuts the connections whose body stands still, or trickles in. */
function watchBodies(app: FastifyInstance, bodyMs: number): onRequestHookHandler {
  const open = new Set<WatchedBody>();
  const timer = setInterval(
    () => {
      const now = performance.now();
      for (const body of open) {
        if (body.request.complete || body.request.destroyed) open.delete(body);
        else if (isTooSlow(body, { now, bodyMs })) body.request.socket.destroy();
      }
    },
    Math.min(1_000, bodyMs / 4),
  );
  timer.unref();
  app.addHook('onClose', async () => clearInterval(timer));

  return ({ raw: request, routeOptions }, _reply, done) => {
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
    if (encoding !== undefined || (length !== undefined && length !== '0')) {
      const { counts, bringsFile } = routeOptions.config;
      const isUpload = bringsFile ?? (counts === 'uploads' || counts === 'pictures');
      const bytes = request.socket.bytesRead;
      const since = performance.now();
      const body = { request, isUpload, bytes, movedAt: since, stretch: { bytes, since } };
      open.add(body);
      request.once('end', () => open.delete(body));
    }
    done();
  };
}

function isTooSlow(body: WatchedBody, { now, bodyMs }: { now: number; bodyMs: number }): boolean {
  const bytes = body.request.socket.bytesRead;
  // Nothing is read just now: it is not the client that stands still.
  if (body.request.isPaused()) body.stretch = { bytes, since: now };
  if (bytes > body.bytes || body.request.isPaused()) body.movedAt = now;
  body.bytes = bytes;
  if (now - body.movedAt >= bodyMs) return true;
  const ms = now - body.stretch.since;
  if (ms < bodyMs) return false;
  const came = bytes - body.stretch.bytes;
  body.stretch = { bytes, since: now };
  return !body.isUpload && came < (ms / 1_000) * FLOOR_PER_SECOND;
}

const SENTENCES = {
  400: 'The request is not valid.',
  408: 'The request took too long.',
  413: 'The request body is too large.',
  431: 'The address or the headers are too long.',
  501: 'This method is not known here.',
} as const;
type Status = keyof typeof SENTENCES;

const STATUSES: Record<string, Status> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};

const refused = new WeakSet<Duplex>();

/** What the parser refuses, before there is a request. */
function refuseBadRequest(error: Error & { code?: string }, socket: Socket): void {
  // What still comes in is read by nobody, and each piece of it is told here again.
  if (refused.has(socket)) return;
  const { _httpMessage: answer } = socket as Socket & { _httpMessage?: ServerResponse | null };
  // An answer under way cannot be followed by another; whoever has said nothing is told nothing.
  if (answer?.headersSent || socket.bytesRead === 0) socket.destroy();
  else refuse(socket, STATUSES[error.code ?? ''] ?? 400);
}

/**
 * Says that nothing more comes, and hears the rest out for a moment: closing on bytes that are still coming would lose
 * the answer (RFC 9112 section 9.6).
 */
function hearOut(socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.destroy());
  socket.end();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

function refuse(socket: Duplex, status: Status): void {
  refused.add(socket);
  const body = JSON.stringify({ detail: SENTENCES[status] });
  const headers = {
    ...secureHeaders,
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.write([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n'));
  hearOut(socket);
}

/** An address that cannot be decoded. */
function refuseBadAddress(error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
  void reply
    .code(error.statusCode ?? 400)
    .headers(secureHeaders)
    .send({ detail: SENTENCES[400] });
}
