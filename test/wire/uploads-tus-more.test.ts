// tus 1.0 request by request: checksums, lengths said later, other people's uploads, other doors, other origins.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join as joinPath } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, join, type Person, say, sendChunk } from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { publish, tusOf } from '../support/tus.ts';

const MAX_VIDEO = 4_000_000;
const NOBODY = `/api/uploads/${'0'.repeat(32)}`;

let server: TestServer;
let ann: Person;
let bob: Person;
let tus: ReturnType<typeof tusOf>;
beforeAll(async () => {
  server = await startServer({ MAX_VIDEO_SIZE: String(MAX_VIDEO) });
  ann = await join(server.base);
  bob = await join(server.base);
  tus = tusOf(server.base, ann);
});
afterAll(() => server[Symbol.asyncDispose]());

describe('a checksum', () => {
  const bytes = Buffer.from('0123456789');
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32c(bytes));
  const sums: [string, string][] = [
    ['sha1', createHash('sha1').update(bytes).digest('base64')],
    ['sha256', createHash('sha256').update(bytes).digest('base64')],
    ['crc32c', sum.toString('base64')],
  ];

  test.each(sums)('by %s that fits is taken, and 460 when it does not', async (algorithm, digest) => {
    const path = await tus.begin(10);
    const headers = { 'Upload-Checksum': `${algorithm} ${digest}` };
    const wrong = await tus.patch(path, 0, { bytes: Buffer.from('0123456780'), headers });
    expect(wrong.status).toBe(460);
    expect(await tus.offset(path)).toBe(0);
    expect((await tus.patch(path, 0, { bytes, headers })).status).toBe(204);
    expect(await tus.offset(path)).toBe(10);
  });

  test.each([
    'md5 1B2M2Y8AsgTpgAmY7PhCfg==',
    'sha1',
    'sha1 x',
    'sha256 AAAA',
    'sha1 AAAA AAAA',
    '__proto__ AAAA',
  ])('like "%s" is 400', async (value) => {
    const path = await tus.begin(10);
    const headers = { 'Upload-Checksum': value };
    expect((await tus.patch(path, 0, { bytes, headers })).status).toBe(400);
    expect(await tus.offset(path)).toBe(0);
  });
});

describe('a length that is said later', () => {
  const begin = async (): Promise<string> =>
    (await tus.create({ 'Upload-Defer-Length': '1' })).headers.get('location') ?? '';

  test('is said with some bytes, once', async () => {
    const path = await begin();
    expect((await tus.head(path)).headers.get('upload-defer-length')).toBe('1');
    await tus.patch(path, 0, { bytes: Buffer.from('0123') });
    const said = { bytes: Buffer.from('45'), headers: { 'Upload-Length': '8' } };
    expect((await tus.patch(path, 4, said)).status).toBe(204);
    const { headers } = await tus.head(path);
    expect([headers.get('upload-length'), headers.has('upload-defer-length')]).toEqual(['8', false]);
    const other = { bytes: Buffer.from('67'), headers: { 'Upload-Length': '9' } };
    expect((await tus.patch(path, 6, other)).status).toBe(400);
    expect((await tus.patch(path, 6, { bytes: Buffer.from('678') })).status).toBe(413);
    expect((await tus.patch(path, 6, { bytes: Buffer.from('67') })).headers.get('upload-offset')).toBe('8');
  });

  test('is not less than what is there, and not more than the server takes', async () => {
    const path = await begin();
    await tus.patch(path, 0, { bytes: Buffer.from('0123') });
    const say = (length: number) =>
      tus.patch(path, 4, { bytes: Buffer.from('4'), headers: { 'Upload-Length': String(length) } });
    expect((await say(3)).status).toBe(400);
    expect((await say(MAX_VIDEO + 1)).status).toBe(413);
    expect((await tus.head(path)).headers.get('upload-offset')).toBe('4');
  });

  test('is that of the bytes when it never is', async () => {
    const path = await begin();
    const file = makeFile(500);
    await tus.patch(path, 0, { bytes: file });
    const postID = await say(server.base, ann, 'of no length');
    expect((await publish(server.base, { person: ann, path, postID })).equals(file)).toBe(true);
  });
});

test('an upload is given up with its bytes, and is gone then', async () => {
  const path = await tus.begin(10);
  await tus.patch(path, 0, { bytes: Buffer.from('0123') });
  expect((await tus.remove(path)).status).toBe(204);
  await server.app.worker.idle();
  expect(await readdir(joinPath(server.dataDir, 'uploads'))).not.toContain(path.split('/').at(-1));
  const gone = [
    await tus.remove(path),
    await tus.head(path),
    await tus.patch(path, 4, { bytes: Buffer.from('4') }),
  ];
  expect(gone.map(({ status }) => status)).toEqual([404, 404, 404]);
});

test('somebody else’s upload is answered as one that is not there', async () => {
  const path = await tus.begin(10);
  const other = tusOf(server.base, bob);
  const both = (send: (path: string) => Promise<{ status: number; text: string }>) =>
    Promise.all([send(path), send(NOBODY)]);
  for (const [foreign, missing] of [
    await both((at) => other.head(at)),
    await both((at) => other.patch(at, 0, { bytes: Buffer.from('x') })),
    await both((at) => other.remove(at)),
    await both((at) => other.send({ method: 'GET', path: at })),
    await both((at) => other.send({ method: 'PUT', path: `${at}/parts?offset=0`, body: Buffer.from('x') })),
  ]) {
    expect(foreign?.status).toBe(404);
    expect(foreign?.text).toBe(missing?.text);
  }
  const postID = await say(server.base, bob, 'not mine');
  const body = { postID, videoID: path.split('/').at(-1) };
  const closed = await call(server.base, '/api/posts/post/add/media/video/finalize/', {
    token: bob.access,
    body,
  });
  expect(closed.status).toBe(404);
});

test.each([
  ...['%2e%2e%2f', '..%2f..%2fveranda.db', '%00', '%5c', 'x'.repeat(32), '0'.repeat(31), '0'.repeat(33)],
  ...['A'.repeat(32), `${'0'.repeat(32)}%2e`, '1', '-', "'"],
])('the id %s names nothing', async (id) => {
  const path = `/api/uploads/${id}`;
  const answers = [
    await tus.head(path),
    await tus.patch(path, 0, { bytes: Buffer.from('x') }),
    await tus.remove(path),
  ];
  expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
});

describe('one upload by two doors', () => {
  test('begun by chunks goes on by tus, and is continued by chunks', async () => {
    const file = makeFile(30_000);
    const filename = 'both ways.mp4';
    const chunk = (start: number, end: number) =>
      sendChunk(server.base, ann, {
        ...{ filename, bytes: file.subarray(start, end), fields: { offset: String(start) } },
      });
    const begun = await chunk(0, 10_000);
    const id = /([0-9a-f]{32})\.mp4$/.exec(begun.json.file)?.[1];
    const path = `/api/uploads/${id}`;
    expect(await tus.offset(path)).toBe(10_000);
    expect((await tus.patch(path, 10_000, { bytes: file.subarray(10_000, 20_000) })).status).toBe(204);
    const ended = await chunk(20_000, 30_000);
    expect(ended.json.id).toBe(begun.json.id);
    expect(await tus.offset(path)).toBe(30_000);
    const postID = await say(server.base, ann, 'by both');
    expect((await publish(server.base, { person: ann, path, postID })).equals(file)).toBe(true);
  });

  test('begun by tus under a name goes on by chunks of that name, up to its length', async () => {
    const file = makeFile(2_000);
    const path = await tus.begin(2_000, 'by name.mp4');
    await tus.patch(path, 0, { bytes: file.subarray(0, 1_000) });
    const filename = 'by name.mp4';
    const rest = await sendChunk(server.base, ann, { filename, bytes: file.subarray(1_000) });
    expect(rest.status).toBe(200);
    expect(await tus.offset(path)).toBe(2_000);
    const more = await sendChunk(server.base, ann, { filename, bytes: Buffer.from('more') });
    expect(more.status).toBe(413);
  });

  test('that have one name are two', async () => {
    const [one, other] = [await tus.begin(4, 'twice.mp4'), await tus.begin(4, 'twice.mp4')];
    expect(one).not.toBe(other);
    await tus.patch(other, 0, { bytes: Buffer.from('mine') });
    expect([await tus.offset(one), await tus.offset(other)]).toEqual([0, 4]);
  });
});

test('an unfinished upload is not attached, and tells what is missing', async () => {
  const file = makeFile(100);
  const path = await tus.begin(100);
  await tus.patch(path, 0, { bytes: file.subarray(0, 60) });
  const postID = await say(server.base, ann, 'unfinished');
  const body = { postID, videoID: path.split('/').at(-1) };
  const closed = await call(server.base, '/api/posts/post/add/media/video/finalize/', {
    token: ann.access,
    body,
  });
  expect(closed.status).toBe(409);
  expect(closed.json).toMatchObject({ offset: 60, missing: [{ start: 60, end: 100 }] });
});

describe('what is refused', () => {
  test('is told while the body is still on its way, and nothing is read of it', async () => {
    const path = await tus.begin(10);
    const client = connect({ host: 'localhost', port: Number(new URL(server.base).port) });
    client.on('error', () => undefined);
    client.write(
      [
        `PATCH ${path} HTTP/1.1`,
        ...['Host: localhost', 'Tus-Resumable: 1.0.0', `Authorization: Bearer ${ann.access}`],
        ...[
          'Content-Type: application/offset+octet-stream',
          'Upload-Offset: 0',
          'Content-Length: 5000000000',
        ],
        ...['', 'begin'],
      ].join('\r\n'),
    );
    const [answer] = (await once(client, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 [^]*connection: close/i);
    await once(client, 'close');
    expect(await tus.offset(path)).toBe(0);
  });
});

describe('pages of another origin', () => {
  const origin = 'http://localhost:3000';
  const preflight = (path: string, method: string, names: string) =>
    tusOf(server.base, undefined).send({
      ...{ method: 'OPTIONS', path },
      headers: {
        'Tus-Resumable': undefined,
        ...{ origin, 'access-control-request-method': method, 'access-control-request-headers': names },
      },
    });

  test.each(['POST', 'HEAD', 'PATCH', 'DELETE'])('may %s, with the headers of tus', async (method) => {
    const names =
      'authorization,content-type,tus-resumable,upload-offset,upload-length,upload-metadata,upload-checksum';
    const { status, headers } = await preflight(method === 'POST' ? '/api/uploads' : NOBODY, method, names);
    expect(status).toBe(200);
    expect(headers.get('access-control-allow-origin')).toBe(origin);
    expect(headers.get('access-control-allow-methods')).toContain(method);
    const allowed = headers.get('access-control-allow-headers')?.split(', ') ?? [];
    expect(names.split(',').filter((name) => !allowed.includes(name))).toEqual([]);
  });

  test('may read what tus answers', async () => {
    const path = await tus.begin(10);
    const { headers } = await tus.head(path, { origin });
    const exposed = headers.get('access-control-expose-headers')?.split(', ') ?? [];
    for (const name of ['Location', 'Upload-Offset', 'Upload-Length', 'Tus-Resumable', 'Upload-Expires'])
      expect(exposed).toContain(name);
    const strange = await tus.head(path, { origin: 'https://evil.example' });
    expect(strange.headers.has('access-control-allow-origin')).toBe(false);
  });
});
