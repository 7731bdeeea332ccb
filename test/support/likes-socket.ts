// Listeners of `/ws/posts/likes/` and `/ws/posts/`, and handshakes of every kind.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { call, type Person, say } from './classic-client.ts';

const PATH = '/ws/posts/likes/';
/** Tells of what authors do, too. */
export const ALL_POSTS = '/ws/posts/';
export const KEY = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==';
export const VERSION = 'Sec-WebSocket-Version: 13';

export interface Frame {
  post_id: number;
  // oxlint-disable-next-line typescript/no-explicit-any
  post: any;
}

export interface Listener extends Disposable {
  readonly socket: WebSocket;
  readonly frames: Frame[];
  /** Resolves once a frame like this is there. */
  until(wanted: (frame: Frame) => boolean): Promise<void>;
  /**
   * Has the person like a fresh post and waits for its frame: whatever was to come before has come, so nothing needs
   * to wait for time to pass. Takes the frames before it out of `frames` and answers them.
   */
  settle(person: Person): Promise<Frame[]>;
}

export async function listen(base: string, path = PATH): Promise<Listener> {
  const socket = new WebSocket(base.replace('http', 'ws') + path, { perMessageDeflate: false });
  const frames: Frame[] = [];
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) throw new Error('frames are text');
    frames.push(JSON.parse(data.toString()));
  });
  await once(socket, 'open');
  const until: Listener['until'] = async (wanted) => {
    while (!frames.some(wanted)) await once(socket, 'message');
  };
  return {
    ...{ socket, frames, until },
    async settle(person) {
      const postID = await say(base, person, 'the end');
      await call(base, '/api/posts/post/add/like/', { token: person.access, body: { postID } });
      await until((frame) => frame.post_id === postID);
      return frames.splice(0).slice(0, -1);
    },
    [Symbol.dispose]: () => socket.terminate(),
  };
}

/** The status with which a handshake is refused; 101 when it is not. */
export async function knock(
  base: string,
  { headers = {}, path = PATH }: { headers?: Record<string, string>; path?: string } = {},
): Promise<number> {
  const answered = Promise.withResolvers<number>();
  const socket = new WebSocket(base.replace('http', 'ws') + path, { headers });
  socket.on('unexpected-response', (_request, answer) => answered.resolve(answer.statusCode ?? 0));
  socket.on('open', () => answered.resolve(101));
  socket.on('error', answered.reject);
  try {
    return await answered.promise;
  } finally {
    socket.terminate();
  }
}

/** A connection that asked for the socket with these header lines, and the beginning of the answer. It sends no more. */
export async function shakeHands(
  base: string,
  { lines = [KEY, VERSION], path = PATH, host = new URL(base).host } = {},
): Promise<{ socket: Socket; answer: string }> {
  const socket = connect(Number(new URL(base).port), 'localhost');
  const head = [`GET ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: Upgrade', 'Upgrade: websocket'];
  socket.write([...head, ...lines, '', ''].join('\r\n'));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return { socket, answer: answer.toString('latin1') };
}
