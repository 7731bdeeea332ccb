// `add/media/video/`: files in pieces, as the classic client sends them and as better ones may.
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Answer,
  asDataUrl,
  call,
  form,
  join,
  type Person,
  say,
  sendChunk,
} from '../support/classic-client.ts';
import { cutChunks, makeFile, MIB, openConnection } from '../support/classic-uploads.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';

const EMPTY = 'data:application/octet-stream;base64,';
/** All that may lie in the data folder. */
const OUR_NAMES =
  /^(?:veranda\.db(?:-wal|-shm)?|secret-key|(?:media\/videos|uploads)\/[0-9a-f]{32}(?:\.mp4)?)$/;
const ESCAPE = `veranda-escape-${process.pid}`;
const NAME = '9-ann.s1g2ft-11/22/2026, 4:15:56 PM-y18kg30suh-clip one.mp4';

let server: TestServer;
let ann: Person;
let bob: Person;
let uploads = 0;

beforeAll(async () => {
  server = await startServer();
  ann = await join(server.base, { username: 'ann.uploads' });
  bob = await join(server.base);
});
afterAll(() => server[Symbol.asyncDispose]());

const nameOne = (): string => `${(uploads += 1)}-${NAME}`;

const send = (filename: string, bytes: Uint8Array, { fields = {}, person = ann } = {}): Promise<Answer> =>
  sendChunk(server.base, person, { filename, bytes, fields });
const sendForm = (fields: Record<string, string | Blob>, person = ann): Promise<Answer> =>
  call(server.base, '/api/posts/post/add/media/video/', { token: person.access, body: form(fields) });
const finalize = (postID: unknown, videoID: unknown, person = ann): Promise<Answer> =>
  call(server.base, '/api/posts/post/add/media/video/finalize/', {
    token: person.access,
    body: { postID, videoID },
  });
// oxlint-disable-next-line typescript/no-explicit-any
const mediaOf = async (base: string, id: number): Promise<any[]> =>
  (await call(base, `/api/posts/post/${id}/`)).json.media_files;

/** Finalizes onto a post of its own and answers what the post's media then is. */
async function fetchFinal(videoID: number, person = ann): Promise<Buffer> {
  const id = await say(server.base, person, 'a video');
  expect((await finalize(id, videoID, person)).status).toBe(200);
  const [media] = await mediaOf(server.base, id);
  return Buffer.from(await (await fetch(server.base + media.file)).arrayBuffer());
}

describe('the classic protocol', () => {
  test('answers the same media for every chunk, and the file is what was sent', async () => {
    const [filename, file] = [nameOne(), makeFile(3 * MIB + 5)];
    const answers = [];
    for (const bytes of cutChunks(file)) answers.push(await send(filename, bytes));
    for (const { status, headers, json } of answers) {
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('application/json');
      expect(json).toEqual({ id: answers[0]?.json.id, filename, file: expect.any(String), hls_url: null });
      expect(json.file).toMatch(/^\/media\/[a-z]+\/[0-9a-f]{32}\.mp4$/);
    }
    const id = await say(server.base, ann, 'a video');
    const finalized = await finalize(id, answers[0]?.json.id);
    expect(finalized).toMatchObject({ status: 200, json: ['Video Added Successfully'] });
    const [media] = await mediaOf(server.base, id);
    expect(media).toMatchObject({
      ...{ id: answers[0]?.json.id, filename, file: answers[0]?.json.file, hls_url: null },
      // No video at all, as the worker finds sooner or later.
      state: expect.stringMatching(/^(processing|failed)$/),
    });
    const played = await fetch(server.base + media.file);
    expect(played.headers.get('content-type')).toBe('video/mp4');
    expect(Buffer.from(await played.arrayBuffer()).equals(file)).toBe(true);
  });

  test.for([EMPTY, 'data:'])('takes an empty last chunk, "%s", of a file of whole MiB', async (empty) => {
    const [filename, file] = [nameOne(), makeFile(2 * MIB)];
    await send(filename, file.subarray(0, MIB));
    const full = await send(filename, file.subarray(MIB));
    const last = await sendForm({ filename, chunk: empty });
    expect(last).toMatchObject({ status: 200, json: { id: full.json.id } });
    expect((await fetchFinal(last.json.id)).equals(file)).toBe(true);
  });

  test('takes any name as a label and never as a path', async () => {
    const names = [
      ...[
        // These lead to a harmless place, should one of them ever be followed.
        ...['../', '../../', '..\\..\\', '%2e%2e%2f', `${tmpdir()}/`].map((up) => up + ESCAPE),
        '%2e%2e%2f.mp4',
        '.',
        '..',
        'CON',
        ' ',
      ],
      ...[
        '9-앤-2026. 11. 22. 오후 4:15:56-x-클립.mp4',
        '9-آن-٢٢‏/١١‏/٢٠٢٦-کلیپ.mov',
        '<script>.html',
        '"quoted"; x.mp4',
        '🎬.avi',
      ],
      ...[
        'x'.repeat(1_000),
        "'; drop table uploads; --.wmv",
        'line\r\nbreak.mp4',
        '__proto__',
        'constructor',
        '-rf',
      ],
    ];
    const ids = new Set<number>();
    for (const filename of names) {
      const { status, json } = await send(filename, makeFile(64));
      expect(status, filename).toBe(200);
      expect(json.file, filename).toMatch(/^\/media\/videos\/[0-9a-f]{32}\.(mp4|mov|avi|wmv)$/);
      ids.add(json.id);
      if (!/[\r\n]/.test(filename)) expect(json.filename).toBe(filename);
      // A part of a form may say another name, which counts for nothing.
      const part = new File([makeFile(64)], filename);
      expect((await sendForm({ filename, chunk: part })).json.id, filename).toBe(json.id);
    }
    expect(ids.size).toBe(names.length);
    const kept = await readdir(server.dataDir, { recursive: true, withFileTypes: true });
    for (const entry of kept.filter((found) => found.isFile()))
      expect(joinPath(entry.parentPath, entry.name).slice(server.dataDir.length + 1)).toMatch(OUR_NAMES);
    expect((await readdir(tmpdir())).filter((name) => name.includes(ESCAPE))).toEqual([]);
    for (const refused of ['x'.repeat(1_001), 'a\0b.mp4'])
      expect((await send(refused, makeFile(64))).status).toBe(400);
  });

  test('keeps uploads that come interleaved apart, of one person and of two with the same name', async () => {
    const [one, two] = [nameOne(), nameOne()];
    const plan = [
      { filename: one, person: ann, file: makeFile(2 * MIB + 1) },
      { filename: two, person: ann, file: makeFile(2 * MIB + 2) },
      { filename: one, person: bob, file: makeFile(2 * MIB + 3) },
    ];
    const ids = await Promise.all(
      plan.map(async ({ filename, person, file }) => {
        let id = 0;
        for (const bytes of cutChunks(file)) id = (await send(filename, bytes, { person })).json.id;
        return id;
      }),
    );
    expect(new Set(ids).size).toBe(3);
    for (const [index, { person, file }] of plan.entries())
      expect((await fetchFinal(ids[index] ?? 0, person)).equals(file)).toBe(true);
  });

  test('refuses what is no chunk and stores none of it', async () => {
    const filename = nameOne();
    const { json } = await send(filename, makeFile(100));
    for (const fields of [{ filename }, { chunk: EMPTY }, {}, { filename: '', chunk: EMPTY }])
      expect(await sendForm(fields)).toMatchObject({ status: 400, json: { status: 'Bad request' } });
    const bad = [
      '',
      'AAAA',
      `${EMPTY}A`,
      `${EMPTY}AAA`,
      `${EMPTY}AAAA AAAA`,
      `${EMPTY}!!!!`,
      'data:text/plain,hello',
      'blob:x',
    ];
    for (const chunk of bad) expect((await sendForm({ filename, chunk })).status, chunk).toBe(400);
    const asJson = { token: ann.access, body: { filename, chunk: EMPTY } };
    expect((await call(server.base, '/api/posts/post/add/media/video/', asJson)).status).toBe(415);
    expect(
      (await call(server.base, '/api/posts/post/add/media/video/', { body: form({ filename }) })).status,
    ).toBe(401);
    expect(await offsetOf(json.id)).toBe(100);
  });
});

describe('a repeat', () => {
  test('of the last chunk on another connection, after an answer that was lost, is stored once', async () => {
    const [filename, file] = [nameOne(), makeFile(MIB + 10)];
    const [first = file, second = file] = cutChunks(file);
    using one = openConnection(server.base, ann);
    using other = openConnection(server.base, ann);
    await one.send({ filename, chunk: asDataUrl(first) });
    const sent = await one.send({ filename, chunk: asDataUrl(second) });
    const again = await other.send({ filename, chunk: asDataUrl(second) });
    expect(again).toEqual(sent);
    expect((await fetchFinal(again.json.id)).equals(file)).toBe(true);
  });

  test('is one only once: equal bytes after it on its connection are kept', async () => {
    const [filename, same] = [nameOne(), makeFile(500)];
    using one = openConnection(server.base, ann);
    using other = openConnection(server.base, ann);
    await one.send({ filename, chunk: asDataUrl(same) });
    for (const _repeatThenNew of [1, 2]) await other.send({ filename, chunk: asDataUrl(same) });
    const { json } = await other.send({ filename, chunk: EMPTY });
    expect((await fetchFinal(json.id)).equals(Buffer.concat([same, same]))).toBe(true);
  });

  test('of equal bytes on the same connection, which had its answer, is kept twice', async () => {
    const [filename, file] = [nameOne(), makeFile(1_000)];
    const same = Buffer.alloc(MIB, 7);
    using connection = openConnection(server.base, ann);
    for (const bytes of [file, same, same]) await connection.send({ filename, chunk: asDataUrl(bytes) });
    const { json } = await connection.send({ filename, chunk: EMPTY });
    expect(connection.count()).toBe(1);
    expect((await fetchFinal(json.id)).equals(Buffer.concat([file, same, same]))).toBe(true);
  });
});

describe('a client that says more', () => {
  test.for([
    { form: 'text', wrap: asDataUrl },
    { form: 'a part of bytes', wrap: (bytes: Buffer) => new Blob([bytes]) },
  ])('in $form has its repeats stored once, and 409 says where the upload stands', async ({ wrap }) => {
    const [filename, file] = [nameOne(), makeFile(300)];
    const at = (offset: number | string, bytes: Buffer) =>
      sendForm({ filename, chunk: wrap(bytes), offset: String(offset), sha256: sha256(bytes) });
    expect(await at(5, file)).toMatchObject({ status: 409, json: { offset: 0 } });
    const { json } = await at(0, file.subarray(0, 100));
    for (let repeat = 0; repeat < 3; repeat += 1)
      expect((await at(0, file.subarray(0, 100))).status).toBe(200);
    expect((await at(100, file.subarray(100, 200))).status).toBe(200);
    expect((await at(0, file.subarray(0, 100))).status).toBe(200);
    expect((await at(40, file.subarray(40, 160))).status).toBe(200);
    for (const [offset, bytes] of [
      [0, file.subarray(1, 101)],
      [150, file.subarray(150, 300)],
      [201, file.subarray(201)],
      [1e9, file],
      [2 ** 40, file],
    ] as const)
      expect(await at(offset, bytes)).toMatchObject({ status: 409, json: { offset: 200 } });
    const parallel = await Promise.all(Array.from({ length: 5 }, () => at(200, file.subarray(200))));
    for (const { status } of parallel) expect(status).toBe(200);
    expect((await fetchFinal(json.id)).equals(file)).toBe(true);
    for (const offset of ['-1', '1.5', 'abc', '1e3', '0x0', '9'.repeat(16)])
      expect((await at(offset, file)).status, offset).toBe(400);
  });

  test.for([
    { form: 'text', wrap: asDataUrl },
    { form: 'a part of bytes', wrap: (bytes: Buffer) => new Blob([bytes]) },
  ])('may send chunks of many MiB in $form, which are compared as a whole', async ({ wrap }) => {
    const [filename, file] = [nameOne(), makeFile(3 * MIB + 5)];
    const other = Buffer.from(file);
    other.writeUInt8(other.readUInt8(2 * MIB) ^ 1, 2 * MIB);
    const at = (offset: number, bytes: Buffer) =>
      sendForm({ filename, chunk: wrap(bytes), offset: String(offset), sha256: sha256(bytes) });
    const { json } = await at(0, file);
    expect((await at(0, file)).status).toBe(200);
    expect(await at(0, other)).toMatchObject({ status: 409, json: { offset: file.length } });
    expect((await at(file.length, other)).status).toBe(200);
    expect((await fetchFinal(json.id)).equals(Buffer.concat([file, other]))).toBe(true);
  });

  test('has a chunk refused that does not have the hash it came with', async () => {
    const [filename, file] = [nameOne(), makeFile(500)];
    const right = sha256(file);
    expect((await send(filename, makeFile(500), { fields: { sha256: right } })).status).toBe(400);
    for (const odd of ['', 'x', right.slice(1), `${right}0`])
      expect((await send(filename, file, { fields: { sha256: odd } })).status).toBe(400);
    const { status, json } = await send(filename, file, { fields: { sha256: right.toUpperCase() } });
    expect(status).toBe(200);
    const wrong = { offset: '0', sha256: sha256(makeFile(500)) };
    expect((await send(filename, file, { fields: wrong })).status, 'a repeat as well').toBe(400);
    expect((await fetchFinal(json.id)).equals(file)).toBe(true);
  });

  test('may send a binary file part instead of base64', async () => {
    const [filename, file] = [nameOne(), makeFile(2 * MIB)];
    await sendForm({ filename, offset: '0', chunk: new Blob([file.subarray(0, MIB)]) });
    const { status, json } = await sendForm({ filename, chunk: new Blob([file.subarray(MIB)]) });
    expect(status).toBe(200);
    expect((await sendForm({ filename, chunk: new Blob([]) })).status).toBe(200);
    expect((await fetchFinal(json.id)).equals(file)).toBe(true);
  });
});

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const offsetOf = async (mediaId: number): Promise<unknown> =>
  (
    await ask<{ offset: number }>(server.dataDir, 'select "offset" from uploads where media_id = ?', mediaId)
  )[0]?.offset;
