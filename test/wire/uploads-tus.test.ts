// tus 1.0 request by request: statuses, headers, and what is there afterwards.
import { readdir } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, join, type Person, say } from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { sendRaw } from '../support/raw-http.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';
import { countUploads, encode, publish, tusOf } from '../support/tus.ts';

const MAX_VIDEO = 4_000_000;
const NOBODY = `/api/uploads/${'0'.repeat(32)}`;

let server: TestServer;
let ann: Person;
let tus: ReturnType<typeof tusOf>;
beforeAll(async () => {
  server = await startServer({ MAX_VIDEO_SIZE: String(MAX_VIDEO) });
  ann = await join(server.base);
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
    const before = await countUploads(server.dataDir);
    const wrong = { 'Upload-Length': '8', 'Upload-Checksum': `sha1 ${encode('x'.repeat(20))}` };
    expect((await tus.create({ 'Upload-Length': '7' }, bytes)).status).toBe(413);
    expect((await tus.create(wrong, bytes)).status).toBe(460);
    expect((await tus.create({ 'Upload-Length': '8', 'content-type': 'text/plain' }, bytes)).status).toBe(
      415,
    );
    expect(await countUploads(server.dataDir)).toBe(before);
  });
});

test('a POST may say in a header that it is a PATCH, and nothing else that is none of the protocol', async () => {
  const path = await tus.begin(4);
  const send = (override: string, offset: number) =>
    tus.send({
      ...{ method: 'POST', path, body: Buffer.from('ab') },
      headers: {
        ...{ 'X-HTTP-Method-Override': override, 'Upload-Offset': String(offset) },
        'content-type': 'application/offset+octet-stream',
      },
    });
  expect((await send('PATCH', 0)).headers.get('upload-offset')).toBe('2');
  expect((await send('patch', 2)).headers.get('upload-offset')).toBe('4');
  expect((await send('PUT', 4)).status).toBe(405);
  expect((await send('DELETE', 4)).status).toBe(204);
  expect((await tus.head(path)).status).toBe(404);
});

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
