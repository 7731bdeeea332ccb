// Resumable Uploads for HTTP, draft 12: what breaks off or stands still, other people, other doors.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, join, type Person, sendChunk } from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { draftOf, expectProblem, PARTIAL_UPLOAD } from '../support/resumable-draft.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';
import { countUploads, expectWhole, tusOf } from '../support/tus.ts';

const MAX_VIDEO = 70_000_000;

let server: TestServer;
let ann: Person;
let draft: ReturnType<typeof draftOf>;
let tus: ReturnType<typeof tusOf>;
beforeAll(async () => {
  server = await startServer({ MAX_VIDEO_SIZE: String(MAX_VIDEO), RESUMABLE_UPLOADS_DRAFT: 'on' });
  ann = await join(server.base);
  draft = draftOf(server.base, ann);
  tus = tusOf(server.base, ann);
});
afterAll(() => server[Symbol.asyncDispose]());

test('a creation that breaks off goes on from what had arrived; unheard of, it leaves nothing', async () => {
  const file = makeFile(200_000);
  for (const isHeard of [true, false]) {
    const before = await countUploads(server.dataDir);
    const client = connect({ host: 'localhost', port: Number(new URL(server.base).port) });
    client.on('error', () => undefined);
    const heard = isHeard ? once(client, 'data') : undefined;
    client.write(
      [
        ...['POST /api/uploads HTTP/1.1', 'Host: localhost', `Authorization: Bearer ${ann.access}`],
        ...(isHeard ? ['Upload-Draft-Interop-Version: 8'] : []),
        ...['Upload-Complete: ?1', `Content-Length: ${file.length}`, '', ''],
      ].join('\r\n'),
    );
    client.write(file.subarray(0, 100_000));
    await expect.poll(() => countUploads(server.dataDir)).toBe(before + 1);
    const [interim] = ((await heard) ?? []) as [Buffer?];
    await expect.poll(async () => (await holders()).length).toBe(1);
    client.resume().destroy();
    await once(client, 'close');
    if (!isHeard) {
      await expect.poll(() => countUploads(server.dataDir)).toBe(before);
      continue;
    }
    const path = /^location: (\S+)/im.exec(String(interim))?.[1] ?? '';
    const [complete, offset, length] = await draft.stateOf(path);
    expect([complete, length]).toEqual(['?0', String(file.length)]);
    const at = Number(offset);
    const rest = await draft.append(path, { offset: at, isLast: true }, { body: file.subarray(at) });
    expect(rest.status).toBe(201);
    await expectWhole(server.base, { person: ann, path, file });
  }
});

const holders = () => ask(server.dataDir, 'select lease_holder from uploads where lease_holder is not null');

test('a body that stands still gives way to its client’s next request, and is told that it may go on', async () => {
  const path = await draft.begin(1_000);
  const stalled = connect({ host: 'localhost', port: Number(new URL(server.base).port) });
  stalled.on('error', () => undefined);
  const told = once(stalled, 'data');
  stalled.write(
    [
      ...[`PATCH ${path} HTTP/1.1`, 'Host: localhost', `Authorization: Bearer ${ann.access}`],
      ...[`Content-Type: ${PARTIAL_UPLOAD}`, 'Upload-Offset: 0', 'Upload-Complete: ?0'],
      ...['Content-Length: 1000', '', 'begin'],
    ].join('\r\n'),
  );
  await expect.poll(async () => (await holders()).length).toBe(1);
  const [, offset] = await draft.stateOf(path);
  expect(Number(offset)).toBeLessThanOrEqual(5);
  expect(String((await told)[0])).toMatch(/^HTTP\/1\.1 503 /);
  stalled.destroy();
});

test('an upload is given up with its bytes', async () => {
  const path = await draft.begin(10);
  expect((await draft.remove(path)).status).toBe(204);
  const gone = [
    await draft.head(path),
    await draft.append(path, { offset: 0, isLast: true }),
    await draft.remove(path),
  ];
  expect(gone.map(({ status }) => status)).toEqual([404, 404, 404]);
});

test('what the server can is told to anybody', async () => {
  const { status, headers } = await draftOf(server.base, undefined).send({
    ...{ method: 'OPTIONS', path: '/api/uploads' },
  });
  expect(status).toBe(204);
  expect(headers).toMatchObject({ 'accept-patch': PARTIAL_UPLOAD, 'upload-limit': `max-size=${MAX_VIDEO}` });
  expect(headers['tus-version']).toBe('1.0.0');
});

test('other people’s uploads are not there, and nobody’s requests are 401', async () => {
  const path = await draft.begin(10);
  const bob = draftOf(server.base, await join(server.base));
  const nobody = draftOf(server.base, undefined);
  for (const [by, status] of [
    [bob, 404],
    [nobody, 401],
  ] as const) {
    expect((await by.head(path)).status).toBe(status);
    const refused = await by.append(path, { offset: 0, isLast: false }, { body: Buffer.from('x') });
    expect([refused.status, refused.json.type]).toEqual([status, 'about:blank']);
    expect((await by.remove(path)).status).toBe(status);
  }
  expect((await nobody.create(true)).status).toBe(401);
  expect(await draft.stateOf(path)).toEqual(['?0', '0', '10']);
});

describe('one upload', () => {
  test('begun by the draft goes on by tus, chunks and the draft again', async () => {
    const file = makeFile(40_000);
    const headers = { 'content-disposition': 'inline; filename="three doors.mp4"' };
    const created = await draft.create(false, { body: file.subarray(0, 10_000), headers });
    const path = created.headers.location ?? '';
    expect(await tus.offset(path)).toBe(10_000);
    const patch = { bytes: file.subarray(10_000, 20_000), headers: { 'Upload-Length': '40000' } };
    expect((await tus.patch(path, 10_000, patch)).status).toBe(204);
    const chunk = await sendChunk(server.base, ann, {
      ...{ filename: 'three doors.mp4', bytes: file.subarray(20_000, 30_000) },
      fields: { offset: '20000' },
    });
    expect(chunk.status).toBe(200);
    expect(await draft.stateOf(path)).toEqual(['?0', '30000', '40000']);
    const wrong = await draft.append(path, { offset: 30_000, isLast: true }, { body: Buffer.from('few') });
    expectProblem(wrong, 400, 'inconsistent-upload-length');
    const last = await draft.append(path, { offset: 30_000, isLast: true }, { body: file.subarray(30_000) });
    expect(last.status).toBe(201);
    expect((await tus.head(path)).headers.get('upload-length')).toBe('40000');
    await expectWhole(server.base, { person: ann, path, file });
  });

  test('begun by tus or in parts goes on by the draft', async () => {
    const file = makeFile(30_000);
    const begun = await tus.begin(30_000);
    await tus.patch(begun, 0, { bytes: file.subarray(0, 10_000) });
    const made = await call(server.base, '/api/uploads', { token: ann.access, body: { length: 30_000 } });
    const inParts = `/api/uploads/${made.json.id}`;
    await tus.send({
      ...{ method: 'PUT', path: `${inParts}/parts?offset=0`, body: file.subarray(0, 10_000) },
      headers: { 'Tus-Resumable': undefined, 'content-type': 'application/octet-stream' },
    });
    for (const path of [begun, inParts]) {
      expect(await draft.stateOf(path)).toEqual(['?0', '10000', '30000']);
      const rest = { body: file.subarray(10_000) };
      expect((await draft.append(path, { offset: 10_000, isLast: true }, rest)).status).toBe(201);
      await expectWhole(server.base, { person: ann, path, file });
    }
  });
});

test('unless it is switched on, none of it is there', async () => {
  await using off = await startServer();
  const bob = await join(off.base);
  const asked = draftOf(off.base, bob);
  const path = await tusOf(off.base, bob).begin(10);
  const created = await asked.create(true, { body: Buffer.from('x') });
  expect([created.status, created.interim]).toEqual([412, []]);
  expect((await asked.append(path, { offset: 0, isLast: true })).status).toBe(412);
  expect((await asked.head(path)).headers['upload-complete']).toBeUndefined();
  const told = await asked.send({ method: 'OPTIONS', path: '/api/uploads' });
  expect(told.headers['accept-patch']).toBeUndefined();
});
