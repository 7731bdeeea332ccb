// Sockets that hear of every post that changed, as `{"post_id", "post"}` and nothing else. They have no identity, so only what is public
// goes out. `/ws/posts/likes/` is the original's: a frame without `post` breaks its page, so there is no greeting and no error frame, and
// that page shows a post it does not know among those of a person, so it hears of no new ones. `/ws/posts/` tells all.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import type { Posts } from '../../features/posts/index.ts';
import type { Bus } from '../../platform/realtime/bus.ts';
import { networkOf } from '../../platform/limits/networks.ts';
import type { SocketMeasures } from '../socket-measures.ts';
import { sendLiveFrames } from './live-frames.ts';
import type { PostTexts } from './post-texts.ts';

export interface PostSocketsOptions {
  posts: Posts;
  postTexts: PostTexts;
  bus: Bus;
  socketsPerAddress: number;
  socketMeasures: (channel: string) => SocketMeasures;
  /** Whether a page of this origin may listen. */
  allowsOrigin: (request: FastifyRequest) => boolean;
}

/** A peer that is gone is noticed after two unanswered pings, within a minute. */
const PING_MS = 20_000;
/** Bytes that may wait for a slow reader before it is dropped. */
const QUEUE_LIMIT = 2 ** 20;
/** The client never speaks; whoever does so all the time is cut off. */
const MESSAGES_TOLERATED = 100;
const SLICE = 1_000;

interface Listener {
  socket: WebSocket;
  address: string;
  unanswered: number;
  messages: number;
}

export async function postSockets(app: FastifyInstance, options: PostSocketsOptions): Promise<void> {
  const perAddress = new Map<string, number>();
  const common = { ...options, perAddress };
  openChannel(app, { ...common, url: '/ws/posts/likes/', name: 'likes', tellsAuthorship: false });
  openChannel(app, { ...common, url: '/ws/posts/', name: 'posts', tellsAuthorship: true });
}

interface ChannelOptions extends PostSocketsOptions {
  url: string;
  /** In measures. */
  name: string;
  tellsAuthorship: boolean;
  /** Connections of both channels. */
  perAddress: Map<string, number>;
}

function openChannel(app: FastifyInstance, options: ChannelOptions): void {
  const { posts, postTexts, bus, tellsAuthorship, perAddress, socketsPerAddress, allowsOrigin } = options;
  const measures = options.socketMeasures(options.name);
  const listeners = new Set<Listener>();

  const frames = sendLiveFrames({
    ...{ posts, postTexts, bus, tellsAuthorship },
    hasListeners: () => listeners.size > 0,
    deliver: deliverToAll,
    onError: (error) => app.log.error({ err: error }, 'a live update could not be sent'),
  });

  async function deliverToAll(frame: Buffer): Promise<void> {
    let [tried, sent] = [0, 0];
    for (const listener of [...listeners]) {
      if (deliver(listener, frame)) sent += 1;
      tried += 1;
      // Many sockets take their time: let requests in between.
      if (tried % SLICE === 0) await new Promise(setImmediate);
    }
    measures.sent(sent);
  }

  function deliver({ socket }: Listener, frame: Buffer): boolean {
    if (socket.readyState !== socket.OPEN) return false;
    // A large frame alone makes nobody slow.
    if (socket.bufferedAmount > Math.max(QUEUE_LIMIT, 2 * frame.length)) {
      measures.dropped();
      socket.terminate();
      return false;
    }
    socket.send(frame, { binary: false });
    return true;
  }

  const pings = setInterval(() => {
    for (const listener of listeners) {
      if (listener.unanswered >= 2) listener.socket.terminate();
      else listener.socket.ping();
      listener.unanswered += 1;
    }
  }, PING_MS);
  pings.unref();

  app.addHook('preClose', async () => {
    clearInterval(pings);
    frames[Symbol.dispose]();
    for (const { socket } of listeners) socket.close(1001, 'the server is stopping');
  });

  app.route({
    method: 'GET',
    url: options.url,
    preValidation: async (request, reply) => {
      if (!allowsOrigin(request)) return reply.code(403).send({ detail: 'This origin may not listen here.' });
      if ((perAddress.get(networkOf(request.ip)) ?? 0) >= socketsPerAddress)
        return reply.code(429).header('Retry-After', '30').send({ detail: 'Too many connections.' });
      return undefined;
    },
    handler: async (_request, reply) =>
      reply.code(426).header('Upgrade', 'websocket').send({ detail: 'This address speaks WebSocket.' }),
    wsHandler: (socket, request) => {
      const listener: Listener = { socket, address: networkOf(request.ip), unanswered: 0, messages: 0 };
      listeners.add(listener);
      measures.opened();
      perAddress.set(listener.address, (perAddress.get(listener.address) ?? 0) + 1);
      socket.on('pong', () => {
        listener.unanswered = 0;
      });
      socket.on('message', () => {
        listener.messages += 1;
        if (listener.messages > MESSAGES_TOLERATED) socket.close(1008, 'this channel only speaks');
      });
      // The plugin's listener would keep the request in memory as long as the socket lives.
      socket.removeAllListeners('error').on('error', () => socket.terminate());
      socket.on('close', () => {
        listeners.delete(listener);
        measures.closed();
        const left = (perAddress.get(listener.address) ?? 1) - 1;
        if (left > 0) perAddress.set(listener.address, left);
        else perAddress.delete(listener.address);
      });
    },
  });
}
