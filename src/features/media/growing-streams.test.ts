import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { expectWhole, readPlaylist } from '../../../test/support/listed-streams.ts';
import { openTestMedia, type TestMedia } from '../../../test/support/media.ts';
import { makeVideo, testFfmpeg } from '../../../test/support/videos.ts';
import { listNamedBlobs } from './named-blobs.ts';
import { createVideoEncoder, type EncodeCall, type VideoEncoder } from './video-encoder.ts';
import type { StreamSink } from './videos/stream.ts';

let folder: string;
let middle: Buffer;
let encoder: VideoEncoder;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-growing-'));
  // Its key frames are too far apart for a copy.
  const options = ['-g', '250', '-sc_threshold', '0'];
  middle = await readFile(await makeVideo({ directory: folder, seconds: 10, options }));
  encoder = createVideoEncoder({ ffmpeg: await testFfmpeg(), sizes: [180, 360], maxDurationMs: 600_000 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let opened: TestMedia;
afterEach(() => opened[Symbol.asyncDispose]());

describe('a video that is being encoded', () => {
  /** Each time that something more is listed: the playlists as players find them just then. `after` hears how much picture is. */
  async function watch(after: (segments: number) => void = () => undefined) {
    const seen: Record<string, string>[] = [];
    const watched: VideoEncoder = {
      ...encoder,
      encodeFirst: (call) =>
        encoder.encodeFirst({ ...call, sink: { ...call.sink, append: (...given) => append(call, given) } }),
    };
    async function append({ sink }: EncodeCall, given: Parameters<StreamSink['append']>): Promise<void> {
      await sink.append(...given);
      const row = await opened.row(1);
      if (row?.hlsPrefix) {
        const playlists = await expectWhole(opened, row.hlsPrefix);
        seen.push(playlists);
        after(playlists['360p']?.match(/#EXTINF/g)?.length ?? 0);
      }
      expect(await findLacking()).toEqual([]);
    }
    opened = await openTestMedia({ encoder: watched });
    return seen;
  }

  /** What rows name and the store does not have. */
  async function findLacking(): Promise<string[]> {
    const named: string[] = [];
    for await (const keys of listNamedBlobs(opened.database.read)) named.push(...keys);
    const files = await opened.files();
    return named.filter((key) => !files.includes(`media/${key}`));
  }

  /** Its worker is stopped when so many segments of the picture have been listed. */
  async function watchUntil(segments: number) {
    let stop: (() => void) | undefined;
    // Picture and sound are listed beside each other, so that more may be there than at the last look.
    const seen = await watch((now) => now >= segments && stop?.());
    const { mediaId } = await opened.addVideo(middle);
    const worker = await opened.startWorker();
    const stopped = Promise.withResolvers<void>();
    stop = () => void worker.stop().then(stopped.resolve);
    await stopped.promise;
    stop = undefined;
    return { mediaId, seen };
  }

  test('is listed from its first segment on, grows at its end alone, and ends as a whole', async () => {
    const seen = await watch();
    const { mediaId } = await opened.addVideo(middle);
    await opened.work();
    const row = await opened.row(mediaId);
    expect(row?.readyAt).not.toBeNull();
    expect(await findLacking()).toEqual([]);
    const [first] = seen;
    expect(first?.['360p']).toContain('#EXT-X-PLAYLIST-TYPE:EVENT');
    expect(first?.['360p']).not.toContain('#EXT-X-ENDLIST');
    expect(seen.length).toBeGreaterThan(2);
    const all = [...seen, await expectWhole(opened, `${row?.hlsPrefix}`)].map((playlists) =>
      body(playlists['360p']),
    );
    for (const [place, later] of all.slice(1).entries())
      expect(later.startsWith(all[place] ?? '-')).toBe(true);
    const whole = await readPlaylist(opened, `${row?.hlsPrefix}/360p/playlist.m3u8`);
    expect(whole).toContain('#EXT-X-PLAYLIST-TYPE:VOD');
    expect(whole.trimEnd().endsWith('#EXT-X-ENDLIST')).toBe(true);
    expect(targetOf(whole)).toBe(targetOf(first?.['360p']));
  });

  test('goes on where it was listed to when its worker is stopped and another one takes it', async () => {
    const { mediaId, seen } = await watchUntil(1);
    const before = await opened.row(mediaId);
    const listed = await expectWhole(opened, `${before?.hlsPrefix}`);
    expect(before?.readyAt).toBeNull();
    await opened.work();
    const after = await opened.row(mediaId);
    expect(after).toMatchObject({ hlsPrefix: before?.hlsPrefix, failedAt: null });
    expect(after?.readyAt).not.toBeNull();
    const whole = await expectWhole(opened, `${after?.hlsPrefix}`);
    expect(body(whole['360p']).startsWith(body(listed['360p']))).toBe(true);
    expect(new Set(whole['360p']?.match(/[0-9a-f]+(?=-\d{5}\.m4s)/g)).size).toBe(2);
    expect(whole['360p']?.match(/#EXT-X-MAP/g)).toHaveLength(2);
    const seconds = [...(whole['360p']?.matchAll(/#EXTINF:([\d.]+)/g) ?? [])].map(([, each]) => Number(each));
    expect(seconds.reduce((sum, each) => sum + each, 0)).toBeCloseTo(10, 1);
    expect(seen.length).toBeGreaterThan(2);
  });

  test('goes on after what a version that cut elsewhere has listed', async () => {
    const { mediaId } = await watchUntil(2);
    const prefix = (await opened.row(mediaId))?.hlsPrefix ?? '';
    expect(await joinFirst(prefix)).toEqual([1, 1]);
    await opened.work();
    const whole = await expectWhole(opened, prefix);
    expect(secondsOf(whole['360p'])).toEqual([2, 2, 2, 4]);
  });

  /** As the two first segments of the picture were cut before; answers how long they were. */
  async function joinFirst(prefix: string): Promise<number[]> {
    const { database, storage } = opened;
    const track = await database.read
      .selectFrom('renditions')
      .select('id')
      .where('name', '=', '360p')
      .executeTakeFirstOrThrow();
    const rows = await database.read
      .selectFrom('segments')
      .selectAll()
      .where('renditionId', '=', track.id)
      .orderBy('position')
      .execute();
    const [first, second] = rows;
    if (!first || !second) throw new Error('Too little is listed.');
    const parts = await Promise.all(
      [first, second].map(async ({ file }) => {
        const blob = await storage.blobs.open(`${prefix}/360p/${file}`);
        return blob ? buffer(blob.read()) : Buffer.alloc(0);
      }),
    );
    await storage.blobs.put(`${prefix}/360p/joined.m4s`, Buffer.concat(parts));
    await database.transaction(async (tx) => {
      await tx.deleteFrom('segments').where('renditionId', '=', track.id).where('position', '>', 0).execute();
      const lasts = first.microseconds + second.microseconds;
      await tx
        .updateTable('segments')
        .set({ file: 'joined.m4s', microseconds: lasts })
        .where('renditionId', '=', track.id)
        .execute();
    });
    return [first, second].map(({ microseconds }) => microseconds / 1e6);
  }

  const secondsOf = (playlist = ''): number[] =>
    [...playlist.matchAll(/#EXTINF:([\d.]+)/g)].map(([, each]) => Math.round(Number(each) * 100) / 100);
  const body = (playlist = ''): string =>
    playlist.slice(playlist.indexOf('#EXT-X-MAP')).replace('#EXT-X-ENDLIST\n', '');
  const targetOf = (playlist = ''): string | undefined => /TARGETDURATION:\d+/.exec(playlist)?.[0];
});
