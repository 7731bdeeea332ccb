// `add/media/video/finalize/`: closes an upload and puts it onto a post, once.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, call, form, join, type Person, say, sendChunk } from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';

const EMPTY = 'data:application/octet-stream;base64,';

let server: TestServer;
let ann: Person;
let bob: Person;
let uploads = 0;

beforeAll(async () => {
  server = await startServer();
  ann = await join(server.base);
  bob = await join(server.base);
});
afterAll(() => server[Symbol.asyncDispose]());

const nameOne = (): string => `${(uploads += 1)}.mp4`;
const send = (filename: string, bytes: Uint8Array, { person = ann } = {}): Promise<Answer> =>
  sendChunk(server.base, person, { filename, bytes });
const sendForm = (fields: Record<string, string>): Promise<Answer> =>
  call(server.base, '/api/posts/post/add/media/video/', { token: ann.access, body: form(fields) });
const finalize = (postID: unknown, videoID: unknown, person = ann): Promise<Answer> =>
  call(server.base, '/api/posts/post/add/media/video/finalize/', {
    token: person.access,
    body: { postID, videoID },
  });
// oxlint-disable-next-line typescript/no-explicit-any
const mediaOf = async (base: string, id: number): Promise<any[]> =>
  (await call(base, `/api/posts/post/${id}/`)).json.media_files;

describe('finalizing', () => {
  test('closes the upload: more bytes are refused, a late repeat of the last chunk and a second finalize are not', async () => {
    const [filename, file, id] = [nameOne(), makeFile(1_000), await say(server.base, ann, 'a video')];
    const { json } = await send(filename, file);
    for (let time = 0; time < 2; time += 1)
      expect(await finalize(id, json.id)).toMatchObject({ status: 200, json: ['Video Added Successfully'] });
    expect(await send(filename, makeFile(10))).toMatchObject({ status: 409, json: { offset: 1_000 } });
    for (const late of [await send(filename, file), await sendForm({ filename, chunk: EMPTY })])
      expect(late).toMatchObject({ status: 200, json: { id: json.id } });
    const other = await say(server.base, ann, 'another post');
    expect((await finalize(other, json.id)).status).toBe(409);
    expect(await mediaOf(server.base, id)).toHaveLength(1);
    expect(await mediaOf(server.base, other)).toEqual([]);
  });

  test.for([
    { posts: 1, fine: 7 },
    { posts: 6, fine: 2 },
  ])('six times at once, and once more, onto $posts post(s) makes one entry and one job', async (onto) => {
    await using idle = await startServer();
    const person = await join(idle.base);
    await idle.app.worker.stop();
    const ids = await Promise.all(
      Array.from({ length: onto.posts }, () => say(idle.base, person, 'a video')),
    );
    const { json } = await sendChunk(idle.base, person, { filename: nameOne(), bytes: makeFile(1_000) });
    const finalizeOne = (index: number): Promise<Answer> =>
      call(idle.base, '/api/posts/post/add/media/video/finalize/', {
        token: person.access,
        body: { postID: ids[index % ids.length], videoID: json.id },
      });
    const answers = await Promise.all([0, 1, 2, 3, 4, 5].map(finalizeOne));
    answers.push(await finalizeOne(answers.findIndex(({ status }) => status === 200)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(onto.fine);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(7 - onto.fine);
    const shown = await Promise.all(ids.map((id) => mediaOf(idle.base, id)));
    expect(shown.flat()).toHaveLength(1);
    const jobs = await ask(idle.dataDir, 'select payload from jobs where kind = ?', 'transcode');
    expect(jobs).toEqual([{ payload: JSON.stringify({ mediaId: json.id }) }]);
  });

  test('refuses what is empty, unknown, of another, for the post of another, or no video', async () => {
    const id = await say(server.base, ann, 'a post');
    const foreign = await say(server.base, bob, 'of another');
    const empty = (await sendForm({ filename: nameOne(), chunk: EMPTY })).json.id;
    const mine = (await send(nameOne(), makeFile(100))).json.id;
    const others = (await send(nameOne(), makeFile(100), { person: bob })).json.id;
    const page = (await send(nameOne(), Buffer.from('<!doctype html><script>alert(1)</script>'))).json.id;
    expect((await finalize(id, empty)).status).toBe(409);
    expect((await finalize(id, 999_999)).status).toBe(404);
    expect((await finalize(id, others)).status).toBe(404);
    expect((await finalize(foreign, mine)).status).toBe(403);
    expect((await finalize(999_999, mine)).status).toBe(404);
    expect((await finalize(id, page)).status).toBe(415);
    for (const odd of [0, -1, 1.5, 'x', '', null, [mine], `${mine}.0`, `0${mine}`])
      expect((await finalize(id, odd)).status, JSON.stringify(odd)).toBe(400);
    for (const post of [id, foreign]) expect(await mediaOf(server.base, post)).toEqual([]);
    await server.app.worker.idle();
    expect((await finalize(id, page)).status).toBe(404);
    expect((await finalize(id, mine)).status).toBe(200);
  });
});
