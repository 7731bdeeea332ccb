// A whole file in an HTML form: taken as an upload that lacks nothing, or not at all.
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join as joinPath } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { join, type Person, say } from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { sendRaw } from '../support/raw-http.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';
import { publish, tusOf } from '../support/tus.ts';

const MAX_VIDEO = 4_000_000;
const QUOTA = 6_000_000;

let server: TestServer;
let ann: Person;
beforeAll(async () => {
  server = await startServer({
    ...{ MAX_VIDEO_SIZE: String(MAX_VIDEO), MAX_STORAGE_PER_PERSON: String(QUOTA) },
    RESUMABLE_UPLOADS_DRAFT: 'on',
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const beSomebodyNew = async (): Promise<void> => {
  ann = await join(server.base);
};

const send = async (body: FormData, headers: Record<string, string> = {}) => {
  const response = await fetch(`${server.base}/api/uploads`, {
    ...{ method: 'POST', body },
    headers: { authorization: `Bearer ${ann.access}`, ...headers },
  });
  // oxlint-disable-next-line typescript/no-explicit-any
  return { status: response.status, headers: response.headers, json: (await response.json()) as any };
};

const formOf = (...files: [bytes: Buffer, name: string][]): FormData => {
  const form = new FormData();
  form.set('title', 'passed over');
  for (const [bytes, name] of files) form.append('file', new Blob([new Uint8Array(bytes)]), name);
  return form;
};

/** What Ann has: her uploads, and the bytes that are taken from her quota. */
const readKept = async () => {
  const [row] = await ask<{ uploads: number; bytes: number }>(
    server.dataDir,
    `select (select count(*) from uploads where owner_id = ?) as uploads,
      (select coalesce(sum(size), 0) from media where owner_id = ?) as bytes`,
    ...[ann.id, ann.id],
  );
  return { uploads: Number(row?.uploads), bytes: Number(row?.bytes) };
};
const NOTHING = { uploads: 0, bytes: 0 };

const HEAD = [
  ...[
    '--b',
    'Content-Disposition: form-data; name="file"; filename="a.mp4"',
    'Content-Type: video/mp4',
    '',
    '',
  ],
].join('\r\n');
const TAIL = '\r\n--b--\r\n';

/** The head of a request whose body may be anything. */
const requestOf = (...headers: string[]): string =>
  [
    ...['POST /api/uploads HTTP/1.1', 'Host: localhost', `Authorization: Bearer ${ann.access}`],
    ...['Content-Type: multipart/form-data; boundary=b', ...headers, '', ''],
  ].join('\r\n');

function dial(): Socket {
  const client = connect({ host: 'localhost', port: Number(new URL(server.base).port) });
  client.on('error', () => undefined);
  return client;
}

describe('a form', () => {
  beforeAll(beSomebodyNew);

  test('with a file makes a finished upload, which goes onto a post', async () => {
    const file = makeFile(MAX_VIDEO);
    const { status, headers, json } = await send(formOf([file, 'Süße Träume.mp4']));
    expect([status, json]).toEqual([
      ...[201, { ...json, offset: MAX_VIDEO, length: MAX_VIDEO, missing: [], finished: false }],
    ]);
    const path = headers.get('location') ?? '';
    expect(path).toBe(`/api/uploads/${json.id}`);
    expect(headers.get('upload-expires')).toMatch(/GMT$/);
    expect(await readKept()).toEqual({ uploads: 1, bytes: MAX_VIDEO });
    const tus = await tusOf(server.base, ann).head(path);
    expect([tus.headers.get('upload-offset'), tus.headers.get('upload-length')]).toEqual([
      ...[String(MAX_VIDEO), String(MAX_VIDEO)],
    ]);
    const postID = await say(server.base, ann, 'in one request');
    expect((await publish(server.base, { person: ann, path, postID })).equals(file)).toBe(true);
    const [media] = await ask<{ label: string }>(
      ...([server.dataDir, 'select label from media where id = ?', json.videoID] as const),
    );
    expect(media?.label).toBe('Süße Träume.mp4');
  });

  test('of an empty file makes an empty upload', async () => {
    const { status, json } = await send(formOf([Buffer.alloc(0), 'empty.mp4']));
    expect([status, json.offset, json.length]).toEqual([201, 0, 0]);
  });

  test('whose length nobody says is taken too', async () => {
    const { bytes: before } = await readKept();
    const body = `${HEAD}0123456789${TAIL}`;
    const { status, body: answer } = await sendRaw(
      server.base,
      `${requestOf('Connection: close', 'Transfer-Encoding: chunked')}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    );
    expect([status, JSON.parse(answer)]).toEqual([201, expect.objectContaining({ offset: 10, length: 10 })]);
    const { bytes } = await readKept();
    expect(bytes - before).toBe(10);
  });

  test('that a client of the draft would make resumable is taken as it is', async () => {
    const headers = { 'upload-complete': '?1', 'upload-draft-interop-version': '8' };
    const { status, json } = await send(formOf([makeFile(100), 'a.mp4']), headers);
    expect([status, json.length]).toEqual([201, 100]);
  });
});

describe('refused, and nothing is left of it:', () => {
  beforeAll(beSomebodyNew);

  test.each([
    ['no file', () => formOf()],
    ['two files', () => formOf([makeFile(100), 'a.mp4'], [makeFile(100), 'b.mp4'])],
    ['a name with a NUL', () => formOf([makeFile(100), 'a\0b'])],
    ['an endless name', () => formOf([makeFile(100), 'x'.repeat(1_001)])],
  ])('%s', async (_, form) => {
    expect((await send(form())).status).toBe(400);
    expect(await readKept()).toEqual(NOTHING);
  });

  test.each([
    ['cut in the file', `${HEAD}0123`],
    ['cut after the file', `${HEAD}0123\r\n--b\r\n`],
    ['no form at all', 'x'],
    ['nothing', ''],
  ])('a form that is %s', async (_, body) => {
    const headers = requestOf('Connection: close', `Content-Length: ${body.length}`);
    const { status, body: answer } = await sendRaw(server.base, headers + body);
    expect(status, answer).toBe(400);
    expect(await readKept()).toEqual(NOTHING);
  });

  test('no boundary', async () => {
    const { status } = await send(formOf(), { 'content-type': 'multipart/form-data' });
    expect(status).toBe(400);
  });

  test('a file that is too large, before any of it is read', async () => {
    const client = dial();
    client.write(requestOf(`Content-Length: ${MAX_VIDEO + 100_000}`));
    const [answer] = (await once(client, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 [^]*connection: close/i);
    client.destroy();
    expect(await readKept()).toEqual(NOTHING);
  });

  test('a file that turns out to be too large', async () => {
    const { status, json } = await send(formOf([makeFile(MAX_VIDEO + 1), 'a.mp4']));
    expect([status, json.code]).toEqual([413, 'body_too_large']);
    expect(await readKept()).toEqual(NOTHING);
  });

  test('a file that the quota has no room for', async () => {
    await beSomebodyNew();
    expect((await send(formOf([makeFile(3_000_000), 'a.mp4']))).status).toBe(201);
    const { status, json } = await send(formOf([makeFile(3_000_001), 'b.mp4']));
    expect([status, json.code]).toEqual([413, 'quota_reached']);
    expect(await readKept()).toEqual({ uploads: 1, bytes: 3_000_000 });
  });

  test('a request that breaks off half-way; what was kept free for it is free again', async () => {
    await beSomebodyNew();
    const client = dial();
    client.write(requestOf('Content-Length: 3000000'));
    client.write(HEAD);
    client.write(makeFile(1_000_000));
    await expect.poll(readKept).toEqual({ uploads: 1, bytes: 3_000_000 });
    const { status } = await send(formOf([makeFile(3_500_000), 'b.mp4']));
    expect(status).toBe(413);
    client.destroy();
    await expect.poll(readKept).toEqual(NOTHING);
    await server.app.worker.idle();
    const known = await ask<{ key: string }>(server.dataDir, 'select draft_key as key from uploads');
    const drafts = await readdir(joinPath(server.dataDir, 'uploads'));
    expect(drafts.filter((draft) => !known.some(({ key }) => key === draft))).toEqual([]);
    expect((await send(formOf([makeFile(3_500_000), 'b.mp4']))).status).toBe(201);
  });
});

test('a form of nobody is 401', async () => {
  ann = { ...ann, access: 'nonsense' };
  expect((await send(formOf([makeFile(100), 'a.mp4']))).status).toBe(401);
});
