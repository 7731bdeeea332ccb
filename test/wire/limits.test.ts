// Limits by address, account and sign-in: what meets one, what does not, and what its answers say.
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type Answer,
  asDataUrl,
  call,
  form,
  type Person,
  say,
  sendChunk,
} from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { tusOf } from '../support/tus.ts';

/** 150 reads, 30 writes, 6 requests with pictures, 2 deletes. */
const FACTOR = '0.02';
const PASSWORD = 'Quiet-Harbour-41';
const OWN = '/api/users/author/';
const SEARCH = '/api/posts/post/search?q=word';

async function start(env: Record<string, string> = {}): Promise<TestServer> {
  const server = await startServer({ RATE_LIMIT_FACTOR: FACTOR, ...env });
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

/** Signed up and in past the wire, so that nothing is counted. */
async function enrol({ app }: TestServer, username: string): Promise<Person> {
  const names = { firstName: 'Ann', lastName: 'Lee', email: `${username}@example.org` };
  const { profileId } = await app.profiles.signUp({
    address: username,
    form: { username, password: PASSWORD, ...names },
  });
  return { username, password: PASSWORD, id: profileId, ...(await signIn({ app }, username)) };
}

const signIn = ({ app }: Pick<TestServer, 'app'>, username: string) =>
  app.users.accounts.signIn({ username, password: PASSWORD, address: username });

/** Asks `times` times and answers how often each status came. */
async function tally(times: number, ask: (n: number) => Promise<Answer>): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (let n = 0; n < times; n += 1) {
    const { status } = await ask(n);
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

/** Sends the head of a PATCH, and none of its bytes; answers the status. */
async function announce(
  base: string,
  { access }: Person,
  { path, offset, length }: { path: string; offset: number; length: number },
): Promise<number> {
  const socket = connect({ host: 'localhost', port: Number(new URL(base).port) });
  const lines = [
    `PATCH ${path} HTTP/1.1`,
    ...['Host: localhost', 'Tus-Resumable: 1.0.0', `Authorization: Bearer ${access}`],
    ...['Content-Type: application/offset+octet-stream', `Upload-Offset: ${offset}`],
    ...[`Content-Length: ${length}`, '', ''],
  ];
  socket.write(lines.join('\r\n'));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer.toString())?.[1]);
}

function expectRefusal({ status, headers }: Answer, { limit, seconds }: { limit: number; seconds: number }) {
  expect(status).toBe(429);
  const wait = Number(headers.get('retry-after'));
  expect(wait).toBeGreaterThan(seconds - 60);
  expect(wait).toBeLessThanOrEqual(seconds);
  expect(headers.get('x-ratelimit-limit')).toBe(String(limit));
  expect(headers.get('x-ratelimit-remaining')).toBe('0');
  const reset = Date.parse(headers.get('x-ratelimit-reset') ?? '');
  expect(Math.abs(reset - Date.now() - wait * 1_000)).toBeLessThan(5_000);
}

describe('requests', () => {
  test('are told what is left, and until when it counts', async () => {
    const server = await start();
    const ann = await enrol(server, 'ann');
    const answer = await call(server.base, OWN, {
      token: ann.access,
      headers: { origin: 'http://localhost:3000' },
    });
    expect(answer.headers.get('x-ratelimit-limit')).toBe('150');
    expect(answer.headers.get('x-ratelimit-remaining')).toBe('149');
    const reset = answer.headers.get('x-ratelimit-reset') ?? '';
    expect(reset).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(Date.parse(reset) - Date.now()).toBeGreaterThan(290_000);
    expect(answer.headers.get('access-control-expose-headers')).toContain('X-RateLimit-Remaining');
  });

  test('of one sign-in end at its limit; another sign-in and other people at the address go on', async () => {
    const server = await start();
    const [ann, ben] = [await enrol(server, 'ann'), await enrol(server, 'ben')];
    const read = (token?: string) => call(server.base, OWN, { token });
    expect(await tally(151, () => read(ann.access))).toEqual({ 200: 150, 429: 1 });
    expectRefusal(await read(ann.access), { limit: 150, seconds: 300 });
    expect((await read((await signIn(server, 'ann')).access)).status).toBe(200);
    expect((await read(ben.access)).status).toBe(200);
    expect((await call(server.base, SEARCH)).status).toBe(200);
  });

  test('of one account end at its limit however many sign-ins it has', async () => {
    const server = await start();
    await enrol(server, 'ann');
    const tokens = [];
    for (let n = 0; n < 4; n += 1) tokens.push(await signIn(server, 'ann'));
    const counts = await Promise.all(
      tokens.map(({ access }) => tally(150, () => call(server.base, OWN, { token: access }))),
    );
    expect(counts.reduce((sum, count) => sum + (count[200] ?? 0), 0)).toBe(450);
  });

  test('without a good token end at the limit of the address; whoever has one goes on', async () => {
    const server = await start();
    const ann = await enrol(server, 'ann');
    expect(await tally(75, () => call(server.base, SEARCH))).toEqual({ 200: 75 });
    expect(await tally(76, () => call(server.base, OWN, { token: 'forged' }))).toEqual({ 401: 75, 429: 1 });
    expectRefusal(await call(server.base, SEARCH), { limit: 150, seconds: 300 });
    expect((await call(server.base, SEARCH, { token: ann.access })).status).toBe(200);
  });

  test('that change something have a limit of their own, also where they are a GET', async () => {
    const server = await start();
    const [ann, ben] = [await enrol(server, 'ann'), await enrol(server, 'ben')];
    const second = await signIn(server, 'ann');
    const follow = (token: string) => call(server.base, `/api/users/user/follower/add/${ben.id}/`, { token });
    for (let n = 0; n < 10; n += 1) await say(server.base, ann, 'words');
    expect(await tally(21, () => follow(second.access))).toEqual({ 200: 20, 429: 1 });
    expectRefusal(await follow(ann.access), { limit: 30, seconds: 300 });
    expect((await call(server.base, OWN, { token: ann.access })).status).toBe(200);
    expect(await say(server.base, ben, 'words')).toBeGreaterThan(0);
  });

  test('that delete are counted by either method', async () => {
    const server = await start();
    const ann = await enrol(server, 'ann');
    const ids = [1, 2, 3].map(() => say(server.base, ann, 'words'));
    const [one, two, three] = await Promise.all(ids);
    const gone = await call(server.base, `/api/posts/post/delete/${one}`, { token: ann.access });
    expect(gone.text).toBe('"200"');
    const proper = { method: 'DELETE', token: ann.access };
    expect((await call(server.base, `/api/posts/post/${two}/`, proper)).status).toBe(204);
    expectRefusal(await call(server.base, `/api/posts/post/${three}/`, proper), { limit: 2, seconds: 1_800 });
    expect((await call(server.base, `/api/posts/post/${three}`)).status).toBe(200);
  });

  test('with pictures are counted before their bytes are read', async () => {
    const server = await start();
    const ann = await enrol(server, 'ann');
    const postID = await say(server.base, ann, 'words');
    const body = { postID, imageBase64: asDataUrl(Buffer.from('no picture')) };
    const send = () => call(server.base, '/api/posts/post/add/media/image/', { token: ann.access, body });
    expect(await tally(7, send)).toEqual({ 400: 6, 429: 1 });
    expectRefusal(await send(), { limit: 6, seconds: 1_800 });
  });

  test('for media are not counted', async () => {
    const server = await start({ RATE_LIMIT_FACTOR: '0.0001' });
    const path = '/media/default_profile_picture.png';
    expect(await tally(20, () => call(server.base, path))).toEqual({ 200: 20 });
    expect((await call(server.base, path)).headers.has('x-ratelimit-limit')).toBe(false);
  });
});

describe('uploads', () => {
  test('go on through more pieces than any limit has requests', async () => {
    const server = await start({ MAX_UPLOAD_PER_DAY: '1GB' });
    const ann = await enrol(server, 'ann');
    const bytes = Buffer.from('piece');
    const counts = await tally(200, (n) =>
      sendChunk(server.base, ann, { filename: 'a.mp4', bytes, fields: { offset: String(n * 5) } }),
    );
    expect(counts).toEqual({ 200: 200 });
  });

  test('end at the bytes of an account and day, and only there', async () => {
    const server = await start({ RATE_LIMIT_FACTOR: '1', MAX_UPLOAD_PER_DAY: '300000' });
    const [ann, ben] = [await enrol(server, 'ann'), await enrol(server, 'ben')];
    const bytes = Buffer.alloc(100_000, 7);
    const send = (person: Person, n: number) =>
      sendChunk(server.base, person, { filename: `${n}.mp4`, bytes });
    expect(await tally(3, (n) => send(ann, n))).toEqual({ 200: 3 });
    expectRefusal(await send(ann, 4), { limit: 300_000, seconds: 86_400 });
    expect((await send(ben, 1)).status).toBe(200);
    expect(await say(server.base, ann, 'words')).toBeGreaterThan(0);
  });

  test('count what came of them, whatever was announced', async () => {
    const server = await start({ RATE_LIMIT_FACTOR: '1', MAX_UPLOAD_PER_DAY: '3000000' });
    const ann = await enrol(server, 'ann');
    const tus = tusOf(server.base, ann);
    const length = 2_500_000;
    const path = await tus.begin(length);
    for (let times = 0; times < 5; times += 1)
      expect(await announce(server.base, ann, { path, offset: 7, length })).toBe(409);
    expect((await tus.patch(path, 0, { bytes: Buffer.alloc(length) })).status).toBe(204);
    expect((await tus.patch(path, length, { bytes: Buffer.alloc(0) })).status).toBe(204);
  });

  test('count what comes without a word of how much it is, also where it is refused', async () => {
    const server = await start({ RATE_LIMIT_FACTOR: '1', MAX_UPLOAD_PER_DAY: '3000000' });
    const ann = await enrol(server, 'ann');
    const path = await tusOf(server.base, ann).begin(10_000_000);
    const wrong = Buffer.alloc(20, 'x').toString('base64');
    const statuses: number[] = [];
    for (let times = 0; times < 3; times += 1) {
      const { status } = await fetch(server.base + path, {
        ...{ method: 'PATCH', body: new Blob([Buffer.alloc(2_000_000)]).stream(), duplex: 'half' },
        headers: {
          ...{ authorization: `Bearer ${ann.access}`, 'tus-resumable': '1.0.0', 'upload-offset': '0' },
          ...{ 'content-type': 'application/offset+octet-stream', 'upload-checksum': `sha1 ${wrong}` },
        },
      });
      statuses.push(status);
    }
    expect(statuses).toEqual([460, 460, 429]);
  });

  test('count 64 KiB if they bring less', async () => {
    const server = await start({ RATE_LIMIT_FACTOR: '1', MAX_UPLOAD_PER_DAY: '200000' });
    const tus = tusOf(server.base, await enrol(server, 'ann'));
    const path = await tus.begin(10);
    const statuses: number[] = [];
    for (let times = 0; times < 5; times += 1)
      statuses.push((await tus.patch(path, 0, { bytes: Buffer.alloc(0) })).status);
    expect(statuses).toEqual([204, 204, 204, 204, 429]);
  });
});

describe('the address', () => {
  const search = (base: string, forwarded: string) =>
    call(base, SEARCH, { headers: { 'x-forwarded-for': forwarded } });
  const few = { RATE_LIMIT_FACTOR: '0.0004' };

  test('is the connection itself, whatever X-Forwarded-For says, when no proxy is trusted', async () => {
    const { base } = await start(few);
    expect(await tally(10, (n) => search(base, `198.51.100.${n}`))).toEqual({ 200: 3, 429: 7 });
  });

  test('is the rightmost one that is no trusted proxy; what a client wrote before it is ignored', async () => {
    const { base } = await start({ ...few, TRUSTED_PROXIES: 'loopback,10.0.0.0/8' });
    const chain = (n: number) => `203.0.113.${n}, 198.51.100.7, 10.0.0.1`;
    expect(await tally(10, (n) => search(base, chain(n)))).toEqual({ 200: 3, 429: 7 });
    expect((await search(base, '198.51.100.7, 198.51.100.8')).status).toBe(200);
  });

  test('of IPv6 is its /64', async () => {
    const { base } = await start({ ...few, TRUSTED_PROXIES: 'loopback' });
    expect(await tally(10, (n) => search(base, `2001:db8:0:1::${n + 1}`))).toEqual({ 200: 3, 429: 7 });
    expect((await search(base, '2001:db8:0:2::1')).status).toBe(200);
  });

  test('may change with every guess at a password: the account has a limit too, and its owner stays signed in', async () => {
    const server = await start({ RATE_LIMIT_FACTOR: '0.2', TRUSTED_PROXIES: 'loopback' });
    const ann = await enrol(server, 'ann');
    const guess = (n: number) =>
      call(server.base, '/api/users/user/token/', {
        body: form({ username: 'ann', password: `guess-${n}` }),
        headers: { 'x-forwarded-for': `198.51.100.${n}` },
      });
    expect(await tally(8, guess)).toEqual({ 401: 4, 429: 4 });
    const refused = await guess(9);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_000);
    expect(refused.headers.get('x-ratelimit-remaining')).toBe('0');
    expect((await call(server.base, OWN, { token: ann.access })).status).toBe(200);
  });
});
