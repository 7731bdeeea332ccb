// Parts of an upload in any order: repeated, overlapping, missing, too many, side by side.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, join, type Person, say, sendChunk } from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { encode, publish, tusOf } from '../support/tus.ts';

const SIZE = 1_000_000;
const PART = 100_000;

let server: TestServer;
let ann: Person;
let tus: ReturnType<typeof tusOf>;
beforeAll(async () => {
  server = await startServer();
  ann = await join(server.base);
  tus = tusOf(server.base, ann);
});
afterAll(() => server[Symbol.asyncDispose]());

async function begin(length = SIZE, filename?: string): Promise<string> {
  const body = { length, ...(filename !== undefined && { filename }) };
  const { status, json, headers } = await call(server.base, '/api/uploads', { token: ann.access, body });
  expect(status).toBe(201);
  expect(json).toMatchObject({ offset: 0, length, finished: false });
  expect(headers.get('location')).toBe(`/api/uploads/${json.id}`);
  return `/api/uploads/${json.id}`;
}

const put = (path: string, offset: number | string, part: { bytes: Uint8Array; headers?: object }) =>
  tus.send({
    ...{ method: 'PUT', path: `${path}/parts?offset=${offset}`, body: part.bytes },
    headers: { 'Tus-Resumable': undefined, 'content-type': 'application/octet-stream', ...part.headers },
  });
const look = async (path: string) => (await tus.send({ method: 'GET', path })).json;
const finalize = async (path: string) => {
  const postID = await say(server.base, ann, 'a video');
  const body = { postID, videoID: path.split('/').at(-1) };
  return call(server.base, '/api/posts/post/add/media/video/finalize/', { token: ann.access, body });
};
async function expectWhole(path: string, file: Buffer): Promise<void> {
  const postID = await say(server.base, ann, 'a video');
  const stored = await publish(server.base, { person: ann, path, postID });
  expect(stored.equals(file)).toBe(true);
}

describe('parts', () => {
  test('come in any order, several at a time, each as often as it likes, and make the file', async () => {
    const file = makeFile(SIZE);
    const path = await begin();
    const offsets = Array.from({ length: SIZE / PART }, (_, index) => ((index * 7) % 10) * PART);
    const answers = await Promise.all(
      [...offsets, ...offsets].map((offset) =>
        put(path, offset, { bytes: file.subarray(offset, offset + PART) }),
      ),
    );
    expect(answers.filter(({ status }) => status !== 200).map(({ text }) => text)).toEqual([]);
    expect(await look(path)).toMatchObject({ offset: SIZE, missing: [] });
    await expectWhole(path, file);
  });

  test('leave gaps that are told, and finalize refuses until they are filled', async () => {
    const file = makeFile(SIZE);
    const path = await begin();
    for (const start of [100_000, 300_000, 700_000])
      await put(path, start, { bytes: file.subarray(start, start + PART) });
    const missing = [
      { start: 0, end: 100_000 },
      { start: 200_000, end: 300_000 },
      { start: 400_000, end: 700_000 },
      { start: 800_000, end: SIZE },
    ];
    expect(await look(path)).toMatchObject({ offset: 0, missing });
    await put(path, 0, { bytes: file.subarray(0, PART) });
    expect(await look(path)).toMatchObject({ offset: 200_000, missing: missing.slice(1) });
    const refused = await finalize(path);
    expect(refused.status).toBe(409);
    expect(refused.json).toMatchObject({ offset: 200_000, missing: missing.slice(1) });
    for (const { start, end } of missing.slice(1))
      await put(path, start, { bytes: file.subarray(start, end) });
    await expectWhole(path, file);
  });

  test('that come again are the same, or a mistake', async () => {
    const file = makeFile(SIZE);
    const path = await begin();
    for (const offset of [0, 500_000]) {
      const bytes = file.subarray(offset, offset + PART);
      await put(path, offset, { bytes });
      expect((await put(path, offset, { bytes })).status).toBe(200);
      // A piece of it is there as well.
      expect((await put(path, offset + 10, { bytes: bytes.subarray(10, 20) })).status).toBe(200);
      const other = await put(path, offset, { bytes: Buffer.alloc(PART, 'x') });
      expect([other.status, other.json.code]).toEqual([409, 'part_differs']);
    }
    await fill(path, file);
    await expectWhole(path, file);
  });

  test('that overlap what is there are refused, and change nothing', async () => {
    const file = makeFile(SIZE);
    const path = await begin();
    for (const offset of [0, 500_000])
      await put(path, offset, { bytes: file.subarray(offset, offset + PART) });
    for (const offset of [50_000, 450_000, 550_000]) {
      const answer = await put(path, offset, { bytes: Buffer.alloc(PART, 'x') });
      expect([answer.status, answer.json.code]).toEqual([409, 'part_overlaps']);
    }
    const around = await put(path, 400_000, { bytes: Buffer.alloc(3 * PART, 'x') });
    expect(around.status).toBe(409);
    await fill(path, file);
    await expectWhole(path, file);
  });

  test('lie within the file', async () => {
    const path = await begin();
    for (const offset of [SIZE, SIZE - 1, 1e9 * PART, 999_999_999_999_999])
      expect((await put(path, offset, { bytes: Buffer.from('xx') })).status).toBe(413);
    for (const offset of ['-1', 'x', '1.5', '', '1e3', '9'.repeat(16)])
      expect((await put(path, offset, { bytes: Buffer.from('xx') })).status).toBe(400);
    expect((await put(path, 0, { bytes: Buffer.alloc(0) })).status).toBe(400);
    const wrongTotal = { bytes: Buffer.from('xx'), headers: { 'Upload-Length': '999' } };
    expect(await put(path, 0, wrongTotal)).toMatchObject({ status: 409, json: { code: 'length_differs' } });
    expect(await look(path)).toMatchObject({ offset: 0, missing: [{ start: 0, end: SIZE }] });
  });

  test('have a checksum if the client likes', async () => {
    const path = await begin(10);
    const bytes = Buffer.from('56789');
    const digest = createHash('sha256').update(bytes).digest('base64');
    const headers = { 'Upload-Checksum': `sha256 ${digest}` };
    const wrong = await put(path, 5, { bytes: Buffer.from('56780'), headers });
    expect(wrong.status).toBe(460);
    expect(await look(path)).toMatchObject({ missing: [{ start: 0, end: 10 }] });
    expect((await put(path, 5, { bytes, headers })).status).toBe(200);
    expect(await look(path)).toMatchObject({ missing: [{ start: 0, end: 5 }] });
  });

  test('are bytes and nothing about them: JSON or a form is refused, and stores nothing', async () => {
    const path = await begin();
    for (const type of [
      'application/json',
      'Application/JSON; charset=utf-8',
      'multipart/form-data; boundary=x',
    ]) {
      const answer = await put(path, 0, { bytes: Buffer.from('{"a":1}'), headers: { 'content-type': type } });
      expect([answer.status, answer.json.code], type).toEqual([415, 'content_type']);
    }
    expect(await look(path)).toMatchObject({ missing: [{ start: 0, end: SIZE }] });
  });

  test('are for uploads whose length is known', async () => {
    const { headers } = await tus.create({ 'Upload-Defer-Length': '1' });
    const answer = await put(headers.get('location') ?? '', 0, { bytes: Buffer.from('x') });
    expect([answer.status, answer.json.code]).toEqual([409, 'length_unknown']);
  });
});

/** Puts what is missing. */
async function fill(path: string, file: Buffer): Promise<void> {
  const { missing } = await look(path);
  for (const { start, end } of missing)
    expect((await put(path, start, { bytes: file.subarray(start, end) })).status).toBe(200);
}

describe('an upload with parts', () => {
  test('goes on by tus from its beginning, and what arrived ahead is left as it is', async () => {
    const file = makeFile(SIZE);
    const path = await begin();
    await put(path, 300_000, { bytes: file.subarray(300_000, 400_000) });
    const damaged = Buffer.from(file);
    damaged[350_000] = (damaged[350_000] ?? 0) ^ 1;
    const digest = createHash('sha1').update(file).digest('base64');
    const headers = { 'Upload-Checksum': `sha1 ${digest}` };
    expect((await tus.patch(path, 0, { bytes: damaged, headers })).status).toBe(460);
    const first = await tus.patch(path, 0, { bytes: file.subarray(0, 300_000) });
    expect(first.headers.get('upload-offset')).toBe('400000');
    expect((await tus.patch(path, 400_000, { bytes: file.subarray(400_000) })).status).toBe(204);
    await expectWhole(path, file);
  });

  test('takes no chunks without a place, as nobody could tell where they go', async () => {
    const path = await begin(SIZE, 'in parts.mp4');
    await put(path, 300_000, { bytes: Buffer.from('ahead') });
    const chunk = await sendChunk(server.base, ann, { filename: 'in parts.mp4', bytes: Buffer.from('x') });
    expect(chunk.status).toBe(409);
    expect(await look(path)).toMatchObject({ offset: 0 });
  });
});

test.each([{}, { length: -1 }, { length: 1.5 }, { length: '5' }, { length: 5, filename: 5 }, [], null, 'x'])(
  'an upload begun as %j is 400',
  async (body) => {
    expect((await call(server.base, '/api/uploads', { token: ann.access, body })).status).toBe(400);
  },
);

test('a filename of tus and one of ours are one name', async () => {
  await begin(10, 'same.mp4');
  const created = await tus.create({
    'Upload-Length': '10',
    'Upload-Metadata': `filename ${encode('same.mp4')}`,
  });
  expect(created.status).toBe(201);
});
