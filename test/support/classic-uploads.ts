// Files for uploads in pieces, and a connection that a test can tell from any other.
import { createHash, randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { call, form, type Person, say } from './classic-client.ts';

export const MIB = 2 ** 20;

/** Bytes that begin as an MP4 and go on at random: taken for a video and kept as they are, since nothing can encode them. */
export function makeFile(size: number): Buffer {
  const file = randomBytes(size);
  Buffer.from('\0\0\0\u0018ftypisom\0\0\u0002\0isomiso2', 'latin1').copy(file);
  return file;
}

/** Chunks as the classic client cuts them: of 1 MiB each, and an empty one at the end of a file of whole MiB. */
export const cutChunks = (file: Buffer): Buffer[] =>
  Array.from({ length: Math.floor(file.length / MIB) + 1 }, (_, index) =>
    file.subarray(index * MIB, (index + 1) * MIB),
  );

/** Finalizes onto a post of its own and answers the hash of what is served. */
export async function hashFinal(base: string, person: Person, videoID: number): Promise<string> {
  const postID = await say(base, person, 'a video');
  const path = '/api/posts/post/add/media/video/finalize/';
  const { status, text: said } = await call(base, path, { token: person.access, body: { postID, videoID } });
  if (status !== 200) throw new Error(`the end of an upload was answered ${status}: ${said}`);
  const [media] = (await call(base, `/api/posts/post/${postID}/`)).json.media_files;
  return hash(new Uint8Array(await (await fetch(base + media.file)).arrayBuffer()));
}

export const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export interface Connection extends Disposable {
  /** Sends the fields of one chunk. */
  send(fields: Record<string, string>): Promise<{ status: number; json: { id: number } }>;
  /** How many connections it really took: 1, unless the server closed it. */
  count(): number;
}

/** One TCP connection that is kept open, for as long as both sides like. */
export function openConnection(base: string, { access }: Person): Connection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const sockets = new Set<unknown>();
  return {
    async send(fields) {
      // FormData knows how to write itself; node:http is what lets the test choose the connection.
      const body = new Response(form(fields));
      const headers = {
        authorization: `Bearer ${access}`,
        'content-type': body.headers.get('content-type') ?? '',
      };
      const answered = Promise.withResolvers<{ status: number; json: { id: number } }>();
      const outgoing = request(`${base}/api/posts/post/add/media/video/`, { method: 'POST', agent, headers });
      outgoing.on('socket', (socket) => sockets.add(socket));
      outgoing.on('error', answered.reject);
      outgoing.on('response', (incoming) => {
        text(incoming).then(
          (json) => answered.resolve({ status: incoming.statusCode ?? 0, json: JSON.parse(json) }),
          answered.reject,
        );
      });
      outgoing.end(Buffer.from(await body.arrayBuffer()));
      return answered.promise;
    },
    count: () => sockets.size,
    [Symbol.dispose]: () => agent.destroy(),
  };
}
