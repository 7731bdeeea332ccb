// The machine's clock jumps, by hand or by a time server: nobody gets in who should not, nothing is given away twice.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { call, join, type Person, say, sendChunk } from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let server: TestServer;
let ann: Person;
/** How far the clock is off. */
let off: number;

beforeEach(async () => {
  off = 0;
  server = await startServer({}, { now: () => Date.now() + off });
  ann = await join(server.base);
});
afterEach(() => server[Symbol.asyncDispose]());

const author = async (access: string): Promise<number> =>
  (await call(server.base, '/api/users/author/', { token: access })).status;
const refresh = (token: string) =>
  call(server.base, '/api/users/user/token/refresh/', { body: { refresh: token } });

describe('tokens', () => {
  test('of before end with a clock that is set a day ahead, and those of then are good', async () => {
    off = DAY + 1_000;
    expect(await author(ann.access)).toBe(401);
    expect((await refresh(ann.refresh)).status).toBe(401);
    const { username, password } = ann;
    const later = await call(server.base, '/api/users/user/token/', { body: { username, password } });
    expect(await author(later.json.access)).toBe(200);
  });

  test('that were used or signed out stay so with a clock that is set back', async () => {
    const next = await refresh(ann.refresh);
    const bob = await join(server.base);
    await call(server.base, '/api/users/user/logout/', {
      token: bob.access,
      body: { refreshToken: bob.refresh },
    });
    off = -HOUR;
    expect(await author(bob.access)).toBe(401);
    expect((await refresh(bob.refresh)).status).toBe(401);
    expect(await author(next.json.access)).toBe(200);
    // Who has a copy of the old one is found out: the whole session ends.
    expect((await refresh(ann.refresh)).status).toBe(401);
    expect(await author(next.json.access)).toBe(401);
  });
});

test.each([
  ['back by an hour', -HOUR],
  ['ahead by a day', DAY],
])('ids grow and an upload goes on with a clock that is set %s', async (_, jump) => {
  const early = await say(server.base, ann, 'before');
  const file = makeFile(3_000);
  const filename = 'clip.mp4';
  await sendChunk(server.base, ann, { filename, bytes: file.subarray(0, 1_000) });
  off = jump;
  const session = await call(server.base, '/api/users/user/token/', {
    body: { username: ann.username, password: ann.password },
  });
  const now = { ...ann, access: session.json.access as string };
  expect(await say(server.base, now, 'after')).toBeGreaterThan(early);
  const rest = { filename, bytes: file.subarray(1_000), fields: { offset: '1000' } };
  expect((await sendChunk(server.base, now, rest)).status).toBe(200);
  expect(await ask(server.dataDir, 'select "offset", lease_holder as holder from uploads')).toEqual([
    { offset: 3_000, holder: null },
  ]);
});
