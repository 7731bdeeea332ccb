// Another process that keeps the database for itself, as a shell of SQLite does that somebody forgot.
import { join as joinPath } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, join, type Person, say } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
let ann: Person;
beforeAll(async () => {
  server = await startServer();
  ann = await join(server.base);
});
afterAll(() => server[Symbol.asyncDispose]());

test('writes wait for it up to five seconds and are told then when to come again; reads never wait', async () => {
  const postId = await say(server.base, ann, 'wanted');
  const like = () =>
    call(server.base, `/api/posts/post/${postId}/like/`, { method: 'PUT', token: ann.access });
  const other = new Sqlite(joinPath(server.dataDir, 'veranda.db'));
  other.exec('begin immediate');
  const began = performance.now();
  const first = like();
  await delay(1_000);
  const second = like();
  expect((await call(server.base, '/api/posts/', { token: ann.access })).status).toBe(200);
  expect(performance.now() - began).toBeLessThan(4_000);

  const refused = await first;
  expect(performance.now() - began).toBeGreaterThan(4_900);
  expect(refused).toMatchObject({ status: 503, json: { error: 'The server is busy. Please try again.' } });
  expect(refused.headers.get('retry-after')).toBe('2');
  other.exec('rollback');
  other.close();
  expect((await second).status).toBe(200);
});
