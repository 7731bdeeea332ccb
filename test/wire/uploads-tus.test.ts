// tus 1.0 request by request: statuses, headers, and what is there afterwards.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join as joinPath } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, join, type Person, say, sendChunk } from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { sendRaw } from '../support/raw-http.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';
import { encode, publish, tusOf } from '../support/tus.ts';

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

describe('what the server can', () => {
  test.each(['/api/uploads', '/api/uploads/', NOBODY])('is told at %s to anybody', async (path) => {
    const { status, headers } = await tusOf(server.base, undefined).send({ method: 'OPTIONS', path });
    expect(status).toBe(204);
    expect(Object.fromEntries(headers)).toMatchObject({
      'tus-version': '1.0.0',
      'tus-max-size': String(MAX_VIDEO),
      'tus-checksum-algorithm': 'sha1,sha256,crc32c',
      'tus-extension': 'creation,creation-with-upload,creation-defer-length,checksum,expiration,termination',
    });
  });

  test('is asked for in version 1.0.0, or not at all', async () => {
    const path = await tus.begin(10);
    for (const version of [undefined, '0.2.2', '1.0.1']) {
      const headers = { 'Tus-Resumable': version };
      const answers = [
        await tus.create({ ...headers, 'Upload-Length': '10' }),
        await tus.patch(path, 0, { bytes: Buffer.from('x'), headers }),
      ];
      if (version !== undefined) answers.push(await tus.head(path, headers), await tus.remove(path, headers));
      for (const { status, headers: answered } of answers) {
        expect(status).toBe(412);
        expect(answered.get('tus-version')).toBe('1.0.0');
      }
    }
    expect(await tus.offset(path)).toBe(0);
  });

  test('is for whoever is signed in', async () => {
    const nobody = tusOf(server.base, undefined);
    const path = await tus.begin(10);
    const answers = [
      await nobody.create({ 'Upload-Length': '10' }),
      await nobody.head(path),
      await nobody.patch(path, 0, { bytes: Buffer.from('x') }),
      await nobody.remove(path),
      await nobody.send({ method: 'GET', path }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
    expect(answers[0]?.headers.get('tus-resumable')).toBe('1.0.0');
  });
});

describe('a creation', () => {
  test('answers where the upload is, and how long it is kept', async () => {
    const { status, headers } = await tus.create({ 'Upload-Length': '10' });
    expect(status).toBe(201);
    expect(headers.get('location')).toMatch(/^\/api\/uploads\/[0-9a-f]{32}$/);
    expect(headers.get('tus-resumable')).toBe('1.0.0');
    const days = (Date.parse(headers.get('upload-expires') ?? '') - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(6.9);
    expect(days).toBeLessThan(7.1);
  });

  test.each([
    ['no length', {}],
    ['a length twice', { 'Upload-Length': '1', 'Upload-Defer-Length': '1' }],
    ['another deferral', { 'Upload-Defer-Length': '2' }],
    ...['-1', 'x', '1.5', '0x10', '1e3', ' ', '9'.repeat(16)].map(
      (length): [string, Record<string, string>] => [`the length "${length}"`, { 'Upload-Length': length }],
    ),
  ])('with %s is 400', async (_, headers) => {
    expect((await tus.create(headers)).status).toBe(400);
  });

  test('of more than the server takes is 413, before a byte is sent', async () => {
    expect((await tus.create({ 'Upload-Length': String(MAX_VIDEO + 1) })).status).toBe(413);
    expect((await tus.create({ 'Upload-Length': String(MAX_VIDEO) })).status).toBe(201);
  });

  test('of nothing is complete at once', async () => {
    const path = await tus.begin(0);
    const { headers } = await tus.head(path);
    expect([headers.get('upload-offset'), headers.get('upload-length')]).toEqual(['0', '0']);
    const patched = await tus.patch(path, 0, { bytes: Buffer.alloc(0) });
    expect([patched.status, patched.headers.get('upload-offset')]).toEqual([204, '0']);
  });

  test('may bring bytes', async () => {
    const file = makeFile(50_000);
    const { status, headers } = await tus.create({ 'Upload-Length': '50000' }, file.subarray(0, 20_000));
    expect([status, headers.get('upload-offset')]).toEqual([201, '20000']);
    const path = headers.get('location') ?? '';
    expect((await tus.patch(path, 20_000, { bytes: file.subarray(20_000) })).status).toBe(204);
    const postID = await say(server.base, ann, 'begun with bytes');
    expect((await publish(server.base, { person: ann, path, postID })).equals(file)).toBe(true);
  });

  test('that brings wrong bytes, or too many, leaves nothing', async () => {
    const bytes = Buffer.from('too many');
    const before = await countUploads();
    const wrong = { 'Upload-Length': '8', 'Upload-Checksum': `sha1 ${encode('x'.repeat(20))}` };
    expect((await tus.create({ 'Upload-Length': '7' }, bytes)).status).toBe(413);
    expect((await tus.create(wrong, bytes)).status).toBe(460);
    expect((await tus.create({ 'Upload-Length': '8', 'content-type': 'text/plain' }, bytes)).status).toBe(
      415,
    );
    expect(await countUploads()).toBe(before);
  });
});

async function countUploads(): Promise<number> {
  const [row] = await ask<{ count: number }>(server.dataDir, 'select count(*) as count from uploads');
  return row?.count ?? 0;
}

describe('metadata', () => {
  test('comes back as it was sent, and its filename is what the video is called', async () => {
    const metadata = `filename ${encode('Süße Träume 🎬.mp4')},filetype ${encode('video/mp4')},is_private`;
    const file = makeFile(1_000);
    const created = await tus.create({ 'Upload-Length': '1000', 'Upload-Metadata': metadata }, file);
    const path = created.headers.get('location') ?? '';
    expect((await tus.head(path)).headers.get('upload-metadata')).toBe(metadata);
    const postID = await say(server.base, ann, 'named');
    await publish(server.base, { person: ann, path, postID });
    const [media] = (await call(server.base, `/api/posts/post/${postID}/`)).json.media_files;
    expect(media.filename).toBe('Süße Träume 🎬.mp4');
  });

  test.each([
    ['no base64', 'filename ***'],
    ['a key twice', 'a YQ==,a YQ=='],
    ['three words', 'a YQ== YQ=='],
    ['an empty pair', 'a YQ==,,b YQ=='],
    ['a filename that is not UTF-8', 'filename //79'],
    ['a NUL in the filename', `filename ${encode('a\0b')}`],
    ['an endless filename', `filename ${encode('x'.repeat(1_001))}`],
  ])('with %s is 400', async (_, metadata) => {
    expect((await tus.create({ 'Upload-Length': '1', 'Upload-Metadata': metadata })).status).toBe(400);
  });

  test('beyond 4,096 characters is 413', async () => {
    const metadata = `a ${encode('x'.repeat(3_100))}`;
    expect((await tus.create({ 'Upload-Length': '1', 'Upload-Metadata': metadata })).status).toBe(413);
  });

  test('with hostile names makes labels, and no file but under names of ours', async () => {
    const names = [
      ...['../../etc/passwd', '/etc/passwd', '..\\..\\boot.ini', 'C:\\x', '.', '..', ' ', 'CON', 'a/b/c.mp4'],
      ...['%2e%2e%2f', '<script>.html', 'x.svg', '\u202e4pm.exe', 'ünï/🎬.mov', "'; drop table uploads; --"],
      ...['$(touch x)', '|ls', '-rf', '.htaccess', 'x'.repeat(1_000)],
    ];
    for (const name of names) {
      const path = await tus.begin(5, name);
      expect((await tus.patch(path, 0, { bytes: Buffer.from('bytes') })).status).toBe(204);
    }
    const drafts = await readdir(joinPath(server.dataDir, 'uploads'));
    expect(drafts.filter((draft) => !/^[0-9a-f]{32}$/.test(draft))).toEqual([]);
    expect((await readdir(server.dataDir)).toSorted()).toEqual(await topFolders());
    await removeUnfinished(ann);
  });
});

/** What lies in the data folder of a server that has done nothing but take uploads. */
async function topFolders(): Promise<string[]> {
  const known = ['media', 'secret-key', 'uploads', 'work'];
  return (await readdir(server.dataDir))
    .filter((name) => known.includes(name) || name.startsWith('veranda.db'))
    .toSorted();
}

async function removeUnfinished(person: Person): Promise<void> {
  const rows = await ask<{ id: string }>(
    server.dataDir,
    'select draft_key as id from uploads where finished_at is null and owner_id = ?',
    person.id,
  );
  for (const { id } of rows) await tusOf(server.base, person).remove(`/api/uploads/${id}`);
}

describe('a look', () => {
  test('tells where the upload stands, and is kept by nobody', async () => {
    const path = await tus.begin(10);
    await tus.patch(path, 0, { bytes: Buffer.from('0123') });
    const { status, headers, text } = await tus.head(path);
    expect([status, text]).toEqual([200, '']);
    expect(headers.get('cache-control')).toBe('no-store');
    expect([headers.get('upload-offset'), headers.get('upload-length')]).toEqual(['4', '10']);
    expect(headers.get('upload-expires')).toMatch(/GMT$/);
    expect(headers.has('upload-defer-length')).toBe(false);
  });
});

describe('bytes', () => {
  test('go where the upload stands, and nowhere else: 409', async () => {
    const path = await tus.begin(10);
    expect((await tus.patch(path, 0, { bytes: Buffer.from('0123') })).headers.get('upload-offset')).toBe('4');
    for (const offset of [0, 3, 5, 10, 999_999_999]) {
      const answer = await tus.patch(path, offset, { bytes: Buffer.from('x') });
      expect([answer.status, answer.headers.get('upload-offset')]).toEqual([409, '4']);
    }
    expect(await tus.offset(path)).toBe(4);
  });

  test.each(['', '-1', 'x', '1.5', '0x1', '9'.repeat(16)])('at the offset "%s" are 400', async (offset) => {
    const path = await tus.begin(10);
    expect((await tus.patch(path, offset, { bytes: Buffer.from('x') })).status).toBe(400);
  });

  test.each([
    'application/octet-stream',
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
  ])('as %s are 415', async (type) => {
    const path = await tus.begin(10);
    const headers = { 'content-type': type };
    expect((await tus.patch(path, 0, { bytes: Buffer.from('x'), headers })).status).toBe(415);
    expect(await tus.offset(path)).toBe(0);
  });

  test('beyond the declared length are 413, and none of them counts', async () => {
    const path = await tus.begin(10);
    await tus.patch(path, 0, { bytes: Buffer.from('0123') });
    expect((await tus.patch(path, 4, { bytes: Buffer.from('7 bytes') })).status).toBe(413);
    const chunked = await sendRaw(server.base, chunkedPatch(path, 4, '7 bytes'));
    expect(chunked.status).toBe(413);
    expect(await tus.offset(path)).toBe(4);
  });

  test('whose number nobody says before are taken too', async () => {
    const path = await tus.begin(10);
    const { status, headers } = await sendRaw(server.base, chunkedPatch(path, 0, '0123456789'));
    expect([status, headers['upload-offset']]).toEqual([204, '10']);
  });

  test('for a finished video are 403', async () => {
    const file = makeFile(100);
    const path = await tus.begin(100);
    await tus.patch(path, 0, { bytes: file });
    const postID = await say(server.base, ann, 'finished');
    await publish(server.base, { person: ann, path, postID });
    expect((await tus.patch(path, 100, { bytes: Buffer.from('x') })).status).toBe(403);
    expect((await tus.remove(path)).status).toBe(403);
    // Whoever did not hear of the end sees it.
    expect(await tus.offset(path)).toBe(100);
  });
});

function chunkedPatch(path: string, offset: number, bytes: string): string {
  return [
    `PATCH ${path} HTTP/1.1`,
    ...[
      'Host: localhost',
      'Connection: close',
      'Tus-Resumable: 1.0.0',
      `Authorization: Bearer ${ann.access}`,
    ],
    ...['Content-Type: application/offset+octet-stream', `Upload-Offset: ${offset}`],
    ...['Transfer-Encoding: chunked', '', bytes.length.toString(16), bytes, '0', '', ''],
  ].join('\r\n');
}

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
