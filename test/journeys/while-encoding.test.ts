// Fifty videos that come at once: they wait for one encoder, which works behind everybody's back.
import { readdir, readFile, rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { call, join as signUp, type Person, say, sendChunk } from '../support/classic-client.ts';
import { makeVideoFolder } from '../support/published-videos.ts';
import { type ServerProcess, spawnServer } from '../support/servers.ts';
import { makeVideo } from '../support/videos.ts';

const VIDEOS = 50;
const WATCHED_MS = 8_000;

test(
  'fifty videos at once are encoded one after the other, and requests hardly wait for them',
  { timeout: 180_000 },
  async () => {
    await using server = await spawnServer();
    const ann = await signUp(server.base, { username: 'busy' });
    const postId = await say(server.base, ann, 'words');
    const idle = await measure(server, { ann, postId });
    const bytes = await filmSomething();
    const uploads = await Promise.all(
      Array.from({ length: VIDEOS }, (_, index) => upload(server.base, ann, { name: `${index}.mp4`, bytes })),
    );
    expect(uploads.map(({ status }) => status)).toEqual(Array(VIDEOS).fill(200));
    await expect.poll(() => listEncoders(server), { timeout: 20_000 }).not.toEqual([]);

    const busy = await measure(server, { ann, postId });
    expect(busy.encoders).toBeGreaterThan(0);
    // One that makes a video watchable, with its sound, and one that adds sizes.
    expect(busy.most).toBeLessThanOrEqual(3);
    expect([...busy.niceness].filter((nice) => nice !== 10 && nice !== 19)).toEqual([]);
    expect(busy.p99Ms).toBeLessThan(idle.p99Ms + 250);
  },
);

async function filmSomething(): Promise<Buffer> {
  const directory = await makeVideoFolder();
  const bytes = await readFile(await makeVideo({ directory, width: 1280, height: 720, seconds: 5 }));
  await rm(directory, { recursive: true });
  return bytes;
}

async function upload(base: string, person: Person, file: { name: string; bytes: Buffer }) {
  const sent = await sendChunk(base, person, { filename: file.name, bytes: file.bytes });
  const body = { postID: await say(base, person, 'a video'), videoID: sent.json.id };
  return call(base, '/api/posts/post/add/media/video/finalize/', { token: person.access, body });
}

/** Reads, comments and likes for a while, and watches the encoders meanwhile. */
async function measure(server: ServerProcess, { ann, postId }: { ann: Person; postId: number }) {
  const token = ann.access;
  const times: number[] = [];
  const niceness = new Set<number>();
  let [most, encoders] = [0, 0];
  const until = performance.now() + WATCHED_MS;
  for (let n = 0; performance.now() < until; n += 1) {
    const began = performance.now();
    const answer = await [
      () => call(server.base, '/api/posts/', { token }),
      () => call(server.base, '/api/posts/post/add/like/', { token, body: { postID: postId } }),
      () =>
        call(server.base, '/api/posts/post/add/comment/', {
          token,
          body: { postID: postId, commentContent: 'x' },
        }),
    ][n % 3]?.();
    times.push(performance.now() - began);
    expect(answer?.status).toBe(200);
    if (n % 30 !== 0) continue;
    const found = await listEncoders(server);
    most = Math.max(most, found.length);
    encoders += found.length;
    for (const { nice } of found) niceness.add(nice);
  }
  times.sort((one, other) => one - other);
  return { p99Ms: times[Math.floor(times.length * 0.99)] ?? 0, most, encoders, niceness };
}

/** The encoders that work in this server's folder. */
async function listEncoders({ dataDir }: ServerProcess): Promise<{ nice: number }[]> {
  const encoders: { nice: number }[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const [command, state] = await Promise.all(
      ['cmdline', 'stat'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
    );
    const isOurs = /^[^\0]*\/ffmpeg\0/.test(command ?? '') && command?.includes(dataDir);
    // After the name, which may hold anything, the nineteenth column is the seventeenth.
    const columns = state?.slice(state.lastIndexOf(')') + 2).split(' ') ?? [];
    if (isOurs && columns.length > 16) encoders.push({ nice: Number(columns[16]) });
  }
  return encoders;
}
