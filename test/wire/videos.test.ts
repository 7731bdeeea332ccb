// A video on a post, as players find it: playlists by the letter of RFC 8216, every file they list, captions.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import * as HLS from 'hls-parser';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, join, type Person, say, sendChunk } from '../support/classic-client.ts';
import { listen } from '../support/likes-socket.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { readPackets } from '../support/video-checks.ts';
import { makeVideo } from '../support/videos.ts';

let site: TestServer;
let ann: Person;
let postID: number;
let videoID: number;
let folder: string;
// oxlint-disable-next-line typescript/no-explicit-any
let media: any;

beforeAll(async () => {
  folder = await mkdtemp(joinPath(tmpdir(), 'veranda-wire-videos-'));
  site = await startServer();
  ann = await join(site.base);
  postID = await say(site.base, ann, 'a film');
  const options = ['-g', '250', '-sc_threshold', '0'];
  const film = await makeVideo({ directory: folder, width: 854, height: 480, seconds: 9, options });
  videoID = (await sendChunk(site.base, ann, { filename: 'film.mp4', bytes: await readFile(film) })).json.id;
  await send('finalize', { postID, videoID });
  await site.app.worker.idle();
  media = await read();
});
afterAll(async () => {
  await site[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const send = (what: string, body: object, person = ann) =>
  call(site.base, `/api/posts/post/add/media/video/${what}/`, { token: person.access, body });
const read = async () => (await call(site.base, `/api/posts/post/${postID}/`)).json.media_files[0];

async function get(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(new URL(path, site.base), { headers });
  return { response, status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
}
const getText = async (path: string): Promise<string> => (await get(path)).bytes.toString();
const getMaster = async (): Promise<HLS.types.MasterPlaylist> =>
  HLS.parse(await getText(media.hls_url)) as HLS.types.MasterPlaylist;
const beside = (uri: string, base: string): string => new URL(uri, new URL(base, site.base)).pathname;

describe('a video that is ready', () => {
  test('says so, and where its pictures are', async () => {
    expect(media).toMatchObject({ state: 'ready', sizes: [240, 360, 480] });
    expect(media).not.toHaveProperty('progress');
    const poster = await get(media.poster);
    expect([poster.status, poster.response.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
    const storyboard = await get(media.storyboard);
    expect(storyboard.response.headers.get('content-type')).toBe('text/vtt; charset=utf-8');
    const [sheet = ''] = /\S+\.jpg/.exec(storyboard.bytes.toString()) ?? [];
    expect((await get(beside(sheet, media.storyboard))).status).toBe(200);
  });

  test('has a master playlist that is asked for anew each time, and others that are kept', async () => {
    const master = await get(media.hls_url);
    expect(master.response.headers.get('content-type')).toBe('application/vnd.apple.mpegurl');
    expect(master.response.headers.get('cache-control')).toBe('no-cache');
    const etag = master.response.headers.get('etag') ?? '';
    expect((await get(media.hls_url, { 'if-none-match': etag, 'cache-control': 'max-age=0' })).status).toBe(
      304,
    );
    const list = await get(beside('360p/playlist.m3u8', media.hls_url));
    expect(list.response.headers.get('cache-control')).toContain('immutable');
    expect((await get(beside('999p/playlist.m3u8', media.hls_url))).status).toBe(404);
  });

  test('lists nothing that cannot be fetched, with the lengths that the files have', async () => {
    HLS.setOptions({ strictMode: true });
    const master = await getMaster();
    expect(
      master.variants.filter(({ isIFrameOnly }) => !isIFrameOnly).map(({ resolution }) => resolution?.height),
    ).toEqual([240, 360, 480, undefined]);
    for (const variant of master.variants) {
      const address = beside(variant.uri, media.hls_url);
      const list = HLS.parse(await getText(address)) as HLS.types.MediaPlaylist;
      expect(list).toMatchObject({ endlist: true, playlistType: 'VOD' });
      for (const { uri, duration, map, byterange } of list.segments) {
        expect(duration).toBeLessThanOrEqual(list.targetDuration + 0.5);
        const file = await get(beside(uri, address));
        expect(file.status).toBe(200);
        if (byterange) expect(byterange.offset + byterange.length).toBeLessThanOrEqual(file.bytes.length);
        expect((await get(beside(map?.uri ?? '', address))).status).toBe(200);
      }
    }
  });

  test('has segments that begin with a key frame where the playlist says, in every track alike', async () => {
    for (const name of ['240p', '360p', '480p', 'audio']) {
      const address = beside(`${name}/playlist.m3u8`, media.hls_url);
      const list = HLS.parse(await getText(address)) as HLS.types.MediaPlaylist;
      let due = 0;
      for (const { uri, duration, map } of list.segments) {
        const init = (await get(beside(map?.uri ?? '', address))).bytes;
        const path = joinPath(folder, 'segment.mp4');
        await writeFile(path, Buffer.concat([init, (await get(beside(uri, address))).bytes]));
        const packets = await readPackets(path);
        expect(packets[0]?.key, `${name} ${uri}`).toBe(true);
        const first = Math.min(...packets.map(({ shownAt }) => shownAt));
        const last = Math.max(...packets.map(({ shownAt, lasts }) => shownAt + lasts));
        expect(Math.abs(first - due), `${name} ${uri}`).toBeLessThan(0.05);
        expect(Math.abs(last - first - duration), `${name} ${uri}`).toBeLessThan(0.05);
        due += duration;
      }
      expect(due).toBeCloseTo(9, 0);
    }
  });

  test('is not tried again', async () => {
    expect((await send('retry', { postID, videoID })).status).toBe(409);
  });
});

describe('captions', () => {
  const vtt =
    'WEBVTT\n\nSTYLE\n::cue { color: red }\n\n00:01.000 --> 00:03.000 align:left\n<v Ann>Cold <script>x</script>& <b>windy\n';
  const body = () => ({ postID, videoID, language: 'en-gb', label: 'English "UK"', vtt });

  test('are for the owner to give, tidied, and listed for players', async () => {
    expect((await send('captions', body(), await join(site.base))).status).toBe(403);
    const given = await send('captions', body());
    expect(given).toMatchObject({ status: 201, json: { language: 'en-GB', label: 'English UK' } });
    expect((await read()).captions).toEqual([given.json]);
    expect(await getText(given.json.file)).toBe(
      'WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n00:00:01.000 --> 00:00:03.000\nCold x&amp; <b>windy</b>\n',
    );
    const [subtitles] = (await getMaster()).variants[0]?.subtitles ?? [];
    expect(subtitles).toMatchObject({ language: 'en-GB', name: 'English UK' });
    const list = HLS.parse(
      await getText(beside(subtitles?.uri ?? '', media.hls_url)),
    ) as HLS.types.MediaPlaylist;
    expect(list.segments.map(({ uri }) => uri)).toEqual([given.json.file]);
    expect(list.segments[0]?.duration).toBeCloseTo(9, 0);
  });

  test('of a language take the place of the ones before, whose file goes', async () => {
    const [before] = (await read()).captions;
    const given = await send('captions', { ...body(), label: 'English' });
    expect((await read()).captions).toEqual([given.json]);
    await site.app.worker.idle();
    expect((await get(before.file)).status).toBe(404);
  });

  test.each([
    ['what is no WebVTT', { vtt: '1\n00:00:01,000 --> 00:00:02,000\nwords' }],
    ['a file without words', { vtt: 'WEBVTT\n' }],
    ['a language that is none', { language: 'no language' }],
    ['a name that is none', { label: '"' }],
  ])('refuse %s', async (_, wrong) => {
    expect((await send('captions', { ...body(), ...wrong })).status).toBe(400);
  });

  test('are bounded in size', async () => {
    const long = `WEBVTT\n\n00:01.000 --> 00:03.000\n${'x'.repeat(1_100_000)}\n`;
    expect((await send('captions', { ...body(), vtt: long })).status).toBe(413);
  });

  test('are told of live when they come, and when their owner takes them away', async () => {
    using listener = await listen(site.base);
    const heard = (count: number) =>
      listener.until(
        ({ post_id: id, post }) => id === postID && post.media_files[0].captions?.length === count,
      );
    const given = await send('captions', { ...body(), language: 'de', label: 'Deutsch' });
    await heard(2);
    expect((await send('captions/remove', { postID, videoID, id: given.json.id })).status).toBe(200);
    await heard(1);
  });

  test('go with their file', async () => {
    const [{ id, file }] = (await read()).captions;
    expect((await send('captions/remove', { postID, videoID, id: 'none' })).status).toBe(404);
    expect((await send('captions/remove', { postID, videoID, id })).status).toBe(200);
    expect(await read()).not.toHaveProperty('captions');
    await site.app.worker.idle();
    expect((await get(file)).status).toBe(404);
  });
});

test('what belongs to a video goes with its post', async () => {
  const captions = (
    await send('captions', {
      postID,
      videoID,
      language: 'de',
      vtt: 'WEBVTT\n\n00:01.000 --> 00:03.000\nKalt\n',
    })
  ).json;
  const paths = [
    media.hls_url,
    media.poster,
    media.storyboard,
    media.file,
    captions.file,
    beside('360p/playlist.m3u8', media.hls_url),
  ];
  for (const path of paths) expect((await get(path)).status, path).toBe(200);
  await call(site.base, `/api/posts/post/${postID}/`, { token: ann.access, method: 'DELETE' });
  await site.app.worker.idle();
  for (const path of paths) expect((await get(path)).status, path).toBe(404);
});
