// Resumable Uploads for HTTP, draft 12, request by request: statuses, headers, problems, and what is there afterwards.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { join, type Person } from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { draftOf, type DraftAnswer, expectProblem, PARTIAL_UPLOAD } from '../support/resumable-draft.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';
import { countUploads, expectWhole } from '../support/tus.ts';

const MAX_VIDEO = 70_000_000;
const WEEK = 7 * 86_400;

let server: TestServer;
let ann: Person;
let draft: ReturnType<typeof draftOf>;
beforeAll(async () => {
  server = await startServer({ MAX_VIDEO_SIZE: String(MAX_VIDEO), RESUMABLE_UPLOADS_DRAFT: 'on' });
  ann = await join(server.base);
  draft = draftOf(server.base, ann);
});
afterAll(() => server[Symbol.asyncDispose]());

/** Its seconds may have moved on by one or two. */
const expectLimit = (value: unknown): void => {
  const [, size, age] = /^max-size=(\d+), max-age=(\d+)$/.exec(String(value)) ?? [];
  expect(Number(size)).toBe(MAX_VIDEO);
  expect(Number(age)).toBeGreaterThan(WEEK - 60);
  expect(Number(age)).toBeLessThanOrEqual(WEEK);
};

describe('a creation', () => {
  test('with the whole body is complete, and its client knew of it before', async () => {
    const file = makeFile(50_000);
    const headers = {
      'content-type': 'video/mp4',
      'content-disposition': `inline; filename="x.mp4"; filename*=UTF-8''S%C3%BC%C3%9Fe%20Tr%C3%A4ume.mp4`,
    };
    const { status, headers: answered, json, interim } = await draft.create(true, { body: file, headers });
    expect([status, answered['upload-complete'], answered['upload-offset']]).toEqual([201, '?1', '50000']);
    expect(json).toMatchObject({ offset: 50_000, length: 50_000, missing: [] });
    const path = answered.location ?? '';
    expect(path).toBe(`/api/uploads/${json.id}`);
    expect(interim.map((one) => one.status)).toEqual([104]);
    expect(interim[0]?.headers).toMatchObject({ location: path, 'upload-draft-interop-version': '8' });
    expectLimit(interim[0]?.headers['upload-limit']);
    expect(await draft.stateOf(path)).toEqual(['?1', '50000', '50000']);
    await expectWhole(server.base, { person: ann, path, file });
    const [media] = await ask<{ label: string }>(
      server.dataDir,
      'select label from media where id = ?',
      json.videoID,
    );
    expect(media?.label).toBe('Süße Träume.mp4');
  });

  test('with a part of the body says where to go on', async () => {
    const file = makeFile(30_000);
    const created = await draft.create(false, {
      body: file.subarray(0, 10_000),
      headers: { 'upload-length': '30000' },
    });
    expect([created.status, created.headers['upload-complete'], created.headers['upload-offset']]).toEqual([
      ...[201, '?0', '10000'],
    ]);
    expectLimit(created.headers['upload-limit']);
    const path = created.headers.location ?? '';
    expect(created.interim[0]?.headers.location).toBe(path);
    expect(await draft.stateOf(path)).toEqual(['?0', '10000', '30000']);
    const middle = await draft.append(
      path,
      { offset: 10_000, isLast: false },
      { body: file.subarray(10_000, 20_000) },
    );
    expect([middle.status, middle.headers['upload-complete'], middle.headers['upload-offset']]).toEqual([
      ...[204, '?0', '20000'],
    ]);
    const last = await draft.append(path, { offset: 20_000, isLast: true }, { body: file.subarray(20_000) });
    expect([last.status, last.headers['upload-complete']]).toEqual([201, '?1']);
    expect(last.headers.location).toBe(path);
    expect(last.json).toMatchObject({ offset: 30_000, length: 30_000 });
    await expectWhole(server.base, { person: ann, path, file });
  });

  test('without a body, or of nothing', async () => {
    const path = await draft.begin();
    expect(await draft.stateOf(path)).toEqual(['?0', '0', undefined]);
    const empty = await draft.create(true);
    expect([empty.status, empty.headers['upload-complete']]).toEqual([201, '?1']);
    expect(await draft.stateOf(empty.headers.location ?? '')).toEqual(['?1', '0', '0']);
  });

  test('whose length nobody says ends where its body does', async () => {
    const body = makeFile(5_000);
    const answer = await draft.create(true, { body, chunked: true });
    expect([answer.status, answer.headers['upload-complete']]).toEqual([201, '?1']);
    expect(await draft.stateOf(answer.headers.location ?? '')).toEqual(['?1', '5000', '5000']);
    await expectWhole(server.base, { person: ann, path: answer.headers.location ?? '', file: body });
  });

  test.each([undefined, '7', '9', 'x'])('of interop version %s has no interim answer', async (version) => {
    const headers = { 'upload-draft-interop-version': version };
    const { status, interim } = await draft.create(true, { body: Buffer.from('x'), headers });
    expect([status, interim]).toEqual([201, []]);
  });

  test.each([
    ['two lengths', { 'upload-length': '9' }],
    ['less than was said', { 'upload-length': '3', 'upload-complete': '?0' }],
  ])('with %s is refused and leaves nothing', async (_, headers) => {
    const before = await countUploads(server.dataDir);
    const unheard = { 'upload-draft-interop-version': undefined, ...headers };
    const refused = await draft.create(true, { body: Buffer.from('01234567'), headers: unheard });
    expectProblem(refused, 400, 'inconsistent-upload-length');
    expect(refused.headers.location).toBeUndefined();
    expect(await countUploads(server.dataDir)).toBe(before);
  });

  test('of more than the server takes is 413, with the limit', async () => {
    const before = await countUploads(server.dataDir);
    const refused = await draft.create(false, { headers: { 'upload-length': String(MAX_VIDEO + 1) } });
    expect([refused.status, refused.headers['upload-limit'], refused.interim]).toEqual([
      ...[413, `max-size=${MAX_VIDEO}`, []],
    ]);
    expect(refused.json).toMatchObject({ type: 'about:blank', status: 413, code: 'video_too_large' });
    expect(await countUploads(server.dataDir)).toBe(before);
  });

  test.each(['1', '?2', 'true', '', '?1, ?1'])('with the completeness "%s" is 400', async (value) => {
    expect((await draft.create(true, { headers: { 'upload-complete': value } })).status).toBe(400);
  });

  test('of a length that is no number of bytes has none', async () => {
    for (const value of ['-1', 'x', '1.5', '9'.repeat(16)]) {
      const { headers } = await draft.create(false, { headers: { 'upload-length': value } });
      expect(await draft.stateOf(headers.location ?? '')).toEqual(['?0', '0', undefined]);
      await draft.remove(headers.location ?? '');
    }
    const { headers } = await draft.create(false, { headers: { 'upload-length': '12;foo=bar' } });
    expect(await draft.stateOf(headers.location ?? '')).toEqual(['?0', '0', '12']);
  });

  test.each(['Application/JSON', 'application/json ; charset=utf-8'])('as %s is 415', async (type) => {
    const refused = await draft.create(true, { body: Buffer.from('{}'), headers: { 'content-type': type } });
    expect([400, 415]).toContain(refused.status);
  });

  test('with a filename that is not UTF-8 is 400', async () => {
    for (const name of ["UTF-8''%ff", "ISO-8859-1''x", "UTF-8''%zz"]) {
      const headers = { 'content-disposition': `inline; filename*=${name}` };
      expect((await draft.create(false, { headers })).status).toBe(400);
    }
  });
});

describe('more bytes', () => {
  test('go where the upload stands, and nowhere else', async () => {
    const path = await draft.begin(10);
    await draft.append(path, { offset: 0, isLast: false }, { body: Buffer.from('0123') });
    for (const [offset, isLast] of [
      ...([[0, true] as const, [3, false] as const, [5, true] as const] as const),
      [999, false] as const,
    ]) {
      const refused = await draft.append(path, { offset, isLast }, { body: Buffer.from('456789') });
      expectProblem(refused, 409, 'mismatching-upload-offset');
      expect(refused.headers['upload-offset']).toBe('4');
      expect(refused.json).toMatchObject({ 'expected-offset': 4, 'provided-offset': offset });
    }
    const lengths = { body: Buffer.from('4'), headers: { 'upload-length': '10' } };
    expectProblem(
      await draft.append(path, { offset: 5, isLast: true }, lengths),
      ...[409, 'mismatching-upload-offset'],
    );
    expect(await draft.stateOf(path)).toEqual(['?0', '4', '10']);
  });

  test('that contradict the length are refused, and none of them counts', async () => {
    const path = await draft.begin(10);
    const place = { offset: 0, isLast: false };
    const wrong: DraftAnswer[] = [
      await draft.append(path, place, { body: Buffer.from('x'), headers: { 'upload-length': '11' } }),
      await draft.append(path, place, { body: Buffer.from('eleven here') }),
      await draft.append(path, place, { body: Buffer.from('eleven here'), chunked: true }),
      await draft.append(path, { offset: 0, isLast: true }, { body: Buffer.from('too few') }),
      await draft.append(
        path,
        { offset: 0, isLast: true },
        { body: Buffer.from('too few'), headers: { 'upload-length': '10' } },
      ),
    ];
    for (const refused of wrong) expectProblem(refused, 400, 'inconsistent-upload-length');
    expect(await draft.stateOf(path)).toEqual(['?0', '0', '10']);
  });

  test('that end too early without a word before are kept, and end nothing', async () => {
    const path = await draft.begin(10);
    const body = Buffer.from('0123');
    const refused = await draft.append(path, { offset: 0, isLast: true }, { body, chunked: true });
    expectProblem(refused, 400, 'inconsistent-upload-length');
    expect(await draft.stateOf(path)).toEqual(['?0', '4', '10']);
  });

  test('do not come after the last, which may be said again', async () => {
    const path = await draft.begin();
    expect((await draft.append(path, { offset: 0, isLast: true }, { body: Buffer.from('all') })).status).toBe(
      201,
    );
    const end = { offset: 3, isLast: true };
    expectProblem(
      await draft.append(path, end, { body: Buffer.from('more') }),
      ...[400, 'inconsistent-upload-length'],
    );
    expectProblem(await draft.append(path, { ...end, isLast: false }), 400, 'completed-upload');
    const again = await draft.append(path, end);
    expect([again.status, again.headers['upload-complete']]).toEqual([201, '?1']);
    expect(await draft.stateOf(path)).toEqual(['?1', '3', '3']);
  });

  test('do not come after it is a post’s video', async () => {
    const file = makeFile(100);
    const { headers } = await draft.create(true, { body: file });
    const path = headers.location ?? '';
    await expectWhole(server.base, { person: ann, path, file });
    const end = { offset: 100, isLast: true };
    expectProblem(await draft.append(path, end), 400, 'completed-upload');
    expectProblem(
      await draft.append(path, end, { body: Buffer.from('x') }),
      ...[400, 'inconsistent-upload-length'],
    );
    expectProblem(await draft.remove(path), 400, 'completed-upload');
    const seen = await draft.head(path);
    expect([seen.headers['upload-complete'], seen.headers['upload-limit']]).toEqual([
      ...['?1', `max-size=${MAX_VIDEO}`],
    ]);
  });

  test('say where they go, whether they are the last, and what they are', async () => {
    const path = await draft.begin(10);
    const place = { offset: 0, isLast: false };
    const body = Buffer.from('x');
    const without = (name: string, value?: string) =>
      draft.append(path, place, { body, headers: { [name]: value } });
    expect((await without('upload-offset')).status).toBe(400);
    expect((await without('upload-offset', '-1')).status).toBe(400);
    expect((await without('upload-complete')).status).toBe(400);
    const refused = await without('content-type', 'application/octet-stream');
    expect([refused.status, refused.headers['accept-patch']]).toEqual([415, PARTIAL_UPLOAD]);
    expect(await draft.stateOf(path)).toEqual(['?0', '0', '10']);
  });

  test('of a long body are acknowledged on the way', async () => {
    const path = await draft.begin();
    const body = Buffer.alloc(65 * 2 ** 20, 'x');
    const { status, interim } = await draft.append(path, { offset: 0, isLast: false }, { body });
    expect(status).toBe(204);
    expect(interim.map(({ headers }) => [headers['upload-offset'], headers.location])).toEqual([
      [String(64 * 2 ** 20), undefined],
    ]);
    await draft.remove(path);
  });

  test('beyond what the server takes are 413, with the limit', async () => {
    const path = await draft.begin();
    const refused = await announce(path, MAX_VIDEO + 1);
    expect(refused).toMatch(/^HTTP\/1\.1 413 [^]*upload-limit: max-size=70000000\r\n/i);
    expect(await draft.stateOf(path)).toEqual(['?0', '0', undefined]);
  });
});

/** What is answered to a body of so many bytes, of which none comes. */
async function announce(path: string, bytes: number): Promise<string> {
  const client = connect({ host: 'localhost', port: Number(new URL(server.base).port) });
  client.on('error', () => undefined);
  client.write(
    [
      `PATCH ${path} HTTP/1.1`,
      ...['Host: localhost', `Authorization: Bearer ${ann.access}`, `Content-Type: ${PARTIAL_UPLOAD}`],
      ...['Upload-Offset: 0', 'Upload-Complete: ?0', `Content-Length: ${bytes}`, '', ''],
    ].join('\r\n'),
  );
  const [answer] = (await once(client, 'data')) as [Buffer];
  client.destroy();
  return answer.toString();
}
