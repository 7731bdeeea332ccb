// The main job over the bare classic wire, as the original React client speaks it, while the network and the server fail.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { asDataUrl, call, join as signUp, type Person, say } from '../support/classic-client.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { spawnServer, type ServerProcess } from '../support/servers.ts';
import { findTools } from '../support/tools.ts';
import { type HeardPost, listen } from './listening.ts';
import { gatherMaterial, isEncoding } from './material.ts';
import { keepUpload, sendPieces } from './pieces.ts';

/** Bytes of the request that carries a whole piece, nearly. */
const PIECE_REQUEST = 1_398_000;
const run = promisify(execFile);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const findVideo = (post: HeardPost) => post.media_files.find(({ file }) => file.endsWith('.mp4'));
/** In all sizes. */
const isReady = (post: HeardPost): boolean => findVideo(post)?.sizes?.length === 4;

test('a post with words, a picture and a video gets there through cuts and kills, and the other person sees everything live', async () => {
  await using material = await gatherMaterial();
  await using server = await spawnServer();
  await using network = await startFaultProxy(server.base);
  const { ann, ben } = await signTwoUp(server, await readFile(material.portrait));

  const postId = await say(network.base, ann, 'A walk in the square, with sound');
  await addPicture(network.base, ann, { postId, bytes: await readFile(material.photo) });
  const original = await readFile(material.video);
  const upload = keepUpload(original, { postId, author: ann });
  const whole = upload.pieces.length;
  expect(whole).toBeGreaterThanOrEqual(5);

  // The network goes in the middle of the second piece.
  const stopped = network.stopAfter(1.5 * PIECE_REQUEST);
  const first = expectSilence(sendPieces(network.base, ann, upload));
  (await stopped).cut();
  await first;
  expect(upload.pieces).toHaveLength(whole - 1);

  // The next load of the page sends the second piece again; it is stored, but the client never learns it.
  const lost = network.loseAnswerAfter(0.5 * PIECE_REQUEST);
  await expectSilence(sendPieces(network.base, ann, upload));
  await lost;
  expect(upload.pieces).toHaveLength(whole - 1);

  // So it comes a third time; and the server dies in the middle of the third piece.
  const beforeKill = network.stopAfter(1.5 * PIECE_REQUEST);
  const third = expectSilence(sendPieces(network.base, ann, upload));
  await beforeKill;
  await server.end('SIGKILL');
  await third;
  expect(upload.pieces).toHaveLength(whole - 2);
  await server.restart();

  const { finalized } = await sendPieces(network.base, ann, upload);
  await vi.waitUntil(() => isEncoding(server.dataDir), { timeout: 60_000, interval: 20 });
  await server.end('SIGKILL');
  await Promise.allSettled([finalized]);
  expect(await readOnlyVideo(server)).toBe(sha256(original));
  await server.restart();

  await using bensPage = await listen(server.base);
  const waiting: HeardPost = (await call(server.base, `/api/posts/post/${postId}`, { token: ben.access }))
    .json;
  expect(waiting.media_files[0]?.hls_url).toBeNull();
  expect(sha256(await fetchBytes(server.base + findVideo(waiting)?.file))).toBe(sha256(original));

  const ready = await bensPage.hear(isReady);
  expect(ready.media_files.map(({ file }) => file.split('.').at(-1))).toEqual(['jpg', 'mp4']);
  await expectPlayable(server.base + findVideo(ready)?.hls_url);

  await talk({ base: network.base, ann, ben, postId, bensPage });
});

async function signTwoUp(server: ServerProcess, portrait: Buffer): Promise<{ ann: Person; ben: Person }> {
  const ann = await signUp(server.base, {
    username: 'ann',
    profile_image: asDataUrl(portrait, 'image/png'),
  });
  const ben = await signUp(server.base, { username: 'ben', first_name: 'Ben' });
  const { json } = await call(server.base, `/api/users/user/${ann.id}/`, { token: ben.access });
  expect(json.profile_picture).toMatch(/^\/media\/profile_pictures\/.+\.jpg$/);
  expect(await fetchBytes(server.base + json.profile_picture)).not.toHaveLength(0);
  return { ann, ben };
}

async function addPicture(
  base: string,
  { access }: Person,
  { postId, bytes }: { postId: number; bytes: Buffer },
): Promise<void> {
  const body = { postID: postId, imageBase64: asDataUrl(bytes, 'image/jpeg') };
  const { json } = await call(base, '/api/posts/post/add/media/image/', { token: access, body });
  expect(json).toEqual({ message: 'Image Added suffcefull' });
}

/** The client's upload ends without a word where a chunk fails. */
async function expectSilence(run: Promise<unknown>): Promise<void> {
  await expect(run).rejects.toThrow('fetch failed');
}

/** The hash of the one video that the server stores. */
async function readOnlyVideo(server: ServerProcess): Promise<string> {
  const folder = join(server.dataDir, 'media', 'videos');
  const [name, ...more] = await readdir(folder);
  expect(more).toEqual([]);
  return sha256(await readFile(join(folder, String(name))));
}

async function fetchBytes(url: string): Promise<Buffer> {
  const response = await fetch(url);
  expect(response.status, url).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

/** All sizes are listed, every file that a playlist names is there, and a program that is none of ours reads them. */
async function expectPlayable(master: string): Promise<void> {
  const text = (await fetchBytes(master)).toString();
  expect(
    [...text.matchAll(/STREAM-INF:BANDWIDTH=.*RESOLUTION=(\S+?),.*AUDIO/g)].map(([, size]) => size),
  ).toEqual([...['426x240', '640x360', '854x480', '1280x720']]);
  for (const [index, name] of listUris(text).entries()) {
    const playlist = new URL(name, master).href;
    const media = (await fetchBytes(playlist)).toString();
    const segments = listUris(media);
    expect(segments.length).toBeGreaterThan(3);
    const init = /#EXT-X-MAP:URI="(.+)"/.exec(media)?.[1] ?? '';
    for (const file of [init, ...segments]) {
      expect(await fetchBytes(new URL(file, playlist).href)).not.toHaveLength(0);
    }
    const args = ['-v', 'error', '-of', 'json', '-count_packets', '-show_streams', playlist];
    const { streams } = JSON.parse((await run(findTools().ffprobe, args)).stdout);
    const height = [240, 360, 480, 720][index];
    const picture = { codec_name: 'h264', height, nb_read_packets: '360' };
    expect(streams).toMatchObject([height === undefined ? { codec_name: 'aac' } : picture]);
  }
}

const listUris = (playlist: string): string[] =>
  playlist.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

/** Ann likes and talks; Ben's open page hears each. */
async function talk(scene: {
  base: string;
  ann: Person;
  ben: Person;
  postId: number;
  bensPage: Awaited<ReturnType<typeof listen>>;
}): Promise<void> {
  const { base, ann, postId, bensPage } = scene;
  const act = async (path: string, body: object): Promise<void> => {
    const { status } = await call(base, `/api/posts/post/add/${path}/`, { token: ann.access, body });
    expect(status).toBe(200);
  };
  const by = { authorID: ann.id, postID: postId };
  await act('like', { postID: postId, author: ann.id });
  expect((await bensPage.hear((post) => post.likes.length === 1)).likes).toMatchObject([{ id: ann.id }]);

  await act('comment', { ...by, commentID: postId, commentContent: 'It was cold' });
  const [comment] = (await bensPage.hear((post) => post.comments.length === 1)).comments;
  expect(comment).toMatchObject({ comment: 'It was cold', likes: [], replyes: [] });

  await act('reply', { ...by, commentID: comment?.id, commentContent: 'And windy' });
  const [answered] = (await bensPage.hear((post) => post.comments[0]?.replyes.length === 1)).comments;
  expect(answered?.replyes).toMatchObject([{ reply: 'And windy', likes: [] }]);

  await act('comment/like', { ...by, commentID: comment?.id });
  const liked = await bensPage.hear((post) => post.comments[0]?.likes.length === 1);
  expect(liked.comments[0]?.likes).toEqual([{ id: ann.id }]);

  await act('reply/like', { ...by, commentID: answered?.replyes[0]?.id });
  const last = await bensPage.hear((post) => post.comments[0]?.replyes[0]?.likes.length === 1);
  expect(last.comments[0]?.replyes[0]?.likes).toEqual([{ id: ann.id }]);
}
