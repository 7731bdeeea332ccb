// One large file by tus-js-client, as it comes, through a network that cuts, abandons and stalls connections and loses
// answers, to a server that is killed now and then. In the end it is the file that was sent.
import { createHash, type Hash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { Upload } from 'tus-js-client';
import { call, join, type Person, say } from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { type ServerProcess, spawnServer } from '../support/servers.ts';
import { createRandom, type Random } from './random.ts';

export interface StormOptions {
  seed: number;
  megabytes: number;
  faults: number;
  kills: number;
}

export interface StormReport {
  /** Whether the published file has the SHA-256 of what was sent. */
  isSame: boolean;
  /** Bytes that went over the wire beyond the file's. */
  sentAgain: number;
  /** The most that may be sent again: a chunk for each fault, and the words around the bytes. */
  mayBeSentAgain: number;
  /** Acknowledged bytes that were gone after a kill. */
  lost: number;
  met: Record<string, number>;
  /** Of any of the server's processes while it took the file, in MiB. */
  peakMemory: number;
  seconds: number;
}

const MIB = 2 ** 20;
const CHUNK = 8 * MIB;
/** Words of a request and what is asked between two of them. */
const WORDS = 4_000;

export async function runUploadStorm(options: StormOptions): Promise<StormReport> {
  const random = createRandom(String(options.seed));
  const folder = await mkdtemp(joinPath(tmpdir(), 'veranda-storm-'));
  const begun = performance.now();
  try {
    const path = joinPath(folder, 'film.mp4');
    const size = options.megabytes * 1_000_000;
    const sha256 = await writeFilm(path, size);
    await using server = await spawnServer({ MAX_VIDEO_SIZE: '10GiB', MAX_UPLOAD_PER_DAY: '100GiB' });
    await using proxy = await startFaultProxy(server.base);
    const person = await join(server.base);
    const storm = createStorm({ ...options, size, random, server, proxy, person });
    const before = proxy.said;
    const id = await storm.upload(path);
    const sent = proxy.said - before;
    const peakMemory = await storm.peakMemory();
    const postID = await say(server.base, person, 'a film');
    const body = { postID, videoID: id };
    const closed = await call(server.base, '/api/posts/post/add/media/video/finalize/', {
      token: person.access,
      body,
    });
    if (closed.status !== 200) throw new Error(`finalize answered ${closed.status}: ${closed.text}`);
    const [media] = (await call(server.base, `/api/posts/post/${postID}/`)).json.media_files;
    const { faults, kills } = options;
    return {
      isSame: (await hashOf(server.base + media.file)) === sha256,
      sentAgain: sent - size,
      mayBeSentAgain: (faults + kills) * (CHUNK + WORDS) + (Math.ceil(size / CHUNK) + 1) * WORDS,
      ...{ lost: storm.lost(), met: storm.met, peakMemory },
      seconds: Math.round((performance.now() - begun) / 1_000),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeFilm(path: string, size: number): Promise<string> {
  const hash = createHash('sha256');
  await using file = await open(path, 'w');
  for (let at = 0; at < size; at += CHUNK) {
    const bytes = at === 0 ? makeFile(Math.min(CHUNK, size)) : randomBytes(Math.min(CHUNK, size - at));
    hash.update(bytes);
    await file.write(bytes);
  }
  return hash.digest('hex');
}

async function hashOf(url: string): Promise<string> {
  const hash: Hash = createHash('sha256');
  const { body } = await fetch(url);
  for await (const bytes of body ?? []) hash.update(bytes as Uint8Array);
  return hash.digest('hex');
}

interface Storm extends StormOptions {
  size: number;
  random: Random;
  server: ServerProcess;
  proxy: FaultProxy;
  person: Person;
}

function createStorm({ random, server, proxy, person, size, faults, kills }: Storm) {
  const met: Record<string, number> = { cut: 0, abandoned: 0, 'answer lost': 0, kill: 0 };
  let acknowledged = 0;
  let lost = 0;
  let peak = 0;

  async function upload(path: string): Promise<string> {
    const ended = Promise.withResolvers<string>();
    const client = new Upload(createReadStream(path), {
      endpoint: `${proxy.base}/api/uploads`,
      headers: { authorization: `Bearer ${person.access}` },
      metadata: { filename: 'film.mp4', filetype: 'video/mp4' },
      chunkSize: CHUNK,
      retryDelays: Array.from({ length: 60 }, () => 100),
      onChunkComplete: (_size, accepted) => {
        acknowledged = accepted;
      },
      onError: ended.reject,
      onSuccess: () => ended.resolve(client.url?.split('/').at(-1) ?? ''),
    });
    client.start();
    let isOver = false;
    const over = ended.promise.then(
      () => (isOver = true),
      () => (isOver = true),
    );
    // As many faults as there are, spread over the bytes that there are.
    const kinds = Array.from({ length: faults + kills }, (_, index) => (index < kills ? 'kill' : 'fault'));
    const pause = (2 * size) / (faults + kills) / 1.2;
    for (const kind of shuffle(kinds, random)) {
      const meeting = meet(kind, { client, bytes: 1 + random.int(Math.floor(pause)) });
      await Promise.race([meeting, over]);
      if (isOver) break;
    }
    return ended.promise;
  }

  async function meet(kind: string, { client, bytes }: { client: Upload; bytes: number }): Promise<void> {
    if (kind === 'fault' && random.chance(0.3)) {
      await proxy.loseAnswerAfter(bytes);
      count('answer lost');
      return;
    }
    const stopped = await proxy.stopAfter(bytes);
    if (kind === 'kill') {
      await noteMemory();
      await server.end('SIGKILL');
      stopped.cut();
      await server.restart();
      count('kill');
      await checkAcknowledged(client);
    } else if (random.chance(0.5)) {
      stopped.abandon();
      count('abandoned');
    } else {
      stopped.cut();
      count('cut');
    }
  }

  const count = (kind: string): void => {
    met[kind] = (met[kind] ?? 0) + 1;
  };

  /** What the client was told is there. */
  async function checkAcknowledged({ url }: Upload): Promise<void> {
    if (url === null) return;
    const known = acknowledged;
    const { json } = await call(server.base, new URL(url).pathname, { token: person.access });
    lost += Math.max(0, known - json.offset);
  }

  async function noteMemory(): Promise<void> {
    const status = await readFile(`/proc/${server.process.pid}/status`, 'utf8');
    peak = Math.max(peak, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1_024);
  }

  return {
    ...{ upload, met },
    lost: () => lost,
    async peakMemory() {
      await noteMemory();
      return Math.round(peak);
    },
  };
}

function shuffle<T>(items: readonly T[], random: Random): T[] {
  const shuffled = [...items];
  for (let index = shuffled.length - 1; index > 0; index -= 1) {
    const other = random.int(index + 1);
    const [one, two] = [shuffled[index], shuffled[other]];
    if (one !== undefined && two !== undefined) [shuffled[index], shuffled[other]] = [two, one];
  }
  return shuffled;
}
