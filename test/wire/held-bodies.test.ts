// Bodies that are held whole while they come: all of them together have one bound, and who has most of it gives way.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { createHeldBodies } from '../../src/api/held-bodies.ts';
import { PICTURE } from '../access/pictures.ts';
import { call, join, type Person, say } from '../support/classic-client.ts';
import { MIB } from '../support/classic-uploads.ts';
import { startServer, type TestServer } from '../support/servers.ts';

const SIGN_UP = '/api/users/user/register/';
const HOG = '203.0.113.7';

const heldBodies = createHeldBodies({ maxBytes: 8 * MIB });
let site: TestServer;
let ann: Person;
let postId: number;
beforeAll(async () => {
  site = await startServer({ TRUSTED_PROXIES: 'loopback' }, { heldBodies });
  ann = await join(site.base);
  postId = await say(site.base, ann, 'quiet');
});
afterAll(() => site[Symbol.asyncDispose]());

interface Client {
  socket: Socket;
  /** All that was answered, when the connection is closed. */
  closed: Promise<string>;
}

const open = new Set<Client>();
afterEach(async () => {
  for (const { socket } of open) socket.destroy();
  await Promise.all([...open].map(({ closed }) => closed));
  open.clear();
});

interface Sent {
  from: string;
  path?: string;
  type: string;
  begin: string;
  /** Of the whole body, most of which never comes. */
  length?: number;
}

const asJson = { type: 'application/json', begin: '{"username":"' };
const asForm = {
  type: 'multipart/form-data; boundary=xx',
  begin: '--xx\r\nContent-Disposition: form-data; name="profile_image"\r\n\r\n',
};

function begin({ from, path = SIGN_UP, type, begin: text, length = 20 * MIB }: Sent): Client {
  const { hostname, port } = new URL(site.base);
  const socket = connect({ host: hostname, port: Number(port) });
  const answers: Buffer[] = [];
  socket.on('error', () => undefined).on('data', (answer: Buffer) => answers.push(answer));
  const closed = once(socket, 'close').then(() => Buffer.concat(answers).toString());
  socket.write(
    [
      `POST ${path} HTTP/1.1`,
      ...['Host: localhost', `X-Forwarded-For: ${from}`, `Authorization: Bearer ${ann.access}`],
      ...[`Content-Type: ${type}`, `Content-Length: ${length}`, '', text],
    ].join('\r\n'),
  );
  const client = { socket, closed };
  open.add(client);
  return client;
}

/** Opens so many that send a MiB each and then nothing; answers what the first `answered` of them were told. */
async function hoard(count: number, { answered }: { answered: number }): Promise<string[]> {
  const told: string[] = [];
  const enough = Promise.withResolvers<void>();
  for (let n = 0; n < count; n += 1) {
    const client = begin({ from: HOG, ...(n % 2 ? asForm : asJson) });
    client.socket.write(Buffer.alloc(MIB, 'x'));
    void client.closed.then((answer) => {
      open.delete(client);
      if (told.push(answer) === answered) enough.resolve();
    });
  }
  await enough.promise;
  return told;
}

const signUp = (from: string, body: object, type?: string): Promise<Response> =>
  fetch(site.base + SIGN_UP, {
    method: 'POST',
    headers: { 'x-forwarded-for': from, ...(type === undefined && { 'content-type': 'application/json' }) },
    body: body instanceof FormData ? body : JSON.stringify(body),
  });

let count = 0;
const account = () => ({
  ...{ username: `holder${(count += 1)}`, first_name: 'New', last_name: 'Comer' },
  ...{ email: `holder${count}@example.org`, password: 'Quiet-Harbour-41' },
});

test('of forty that send a MiB each and wait, those beyond the bound are told to come again, and hung up on', async () => {
  const told = await hoard(40, { answered: 32 });
  for (const answer of told) {
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer).toMatch(/\r\nretry-after: 5\r\n/i);
    expect(answer).toMatch(/\r\nconnection: close\r\n/i);
    expect(answer).toContain(
      '{"error":"Too much is being sent here right now. Please try again in a moment."}',
    );
  }
  expect(open.size).toBeGreaterThan(4);
});

test('somebody else signs up with a picture meanwhile, and posts', async () => {
  await hoard(40, { answered: 32 });
  expect((await signUp('198.51.100.1', { ...account(), profile_image: PICTURE })).status).toBe(201);
  const large = { ...account(), bio: 'x'.repeat(3 * MIB) };
  expect((await signUp('198.51.100.2', large)).status).toBe(201);
  const form = new FormData();
  for (const [name, value] of Object.entries(account())) form.set(name, value);
  form.set('more', 'x'.repeat(3 * MIB));
  expect((await signUp('198.51.100.3', form, 'form')).status).toBe(201);
  const comment = { postID: postId, commentContent: 'quiet', authorID: ann.id };
  const body = { token: ann.access, body: comment };
  expect((await call(site.base, '/api/posts/post/add/comment/', body)).status).toBe(200);
});

test('nothing stays of requests that were answered, refused, cut or hung up on', async () => {
  for (let n = 0; n < 12; n += 1) {
    const bio = 'x'.repeat(MIB);
    expect((await signUp(HOG, { ...account(), bio })).status).toBe(201);
    expect((await signUp(HOG, { ...account(), bio, email: 'none' })).status).toBe(400);
    expect((await signUp(HOG, { ...account(), bio: `${bio}\ud800`, password: 1 })).status).toBe(400);
    for (const kind of [asJson, asForm]) {
      const client = begin({ from: HOG, ...kind });
      client.socket.write(Buffer.alloc(MIB, 'x'));
      client.socket.end();
      await client.closed;
    }
  }
  await hoard(20, { answered: 12 });
  expect(heldBodies.bytes).toBeGreaterThan(4 * MIB);
  for (const { socket } of open) socket.destroy();
  await nothingHeld();
});

test('nothing stays of a request whose client has gone while it is worked on', async () => {
  const body = JSON.stringify({ ...account(), bio: 'x'.repeat(MIB) });
  const client = begin({ from: HOG, type: 'application/json', begin: body, length: body.length });
  await vi.waitFor(() => expect(heldBodies.bytes).toBe(body.length), { interval: 1 });
  client.socket.destroy();
  await nothingHeld();
});

const nothingHeld = () =>
  vi.waitFor(() => expect(heldBodies.bytes).toBe(0), { interval: 10, timeout: 5_000 });
