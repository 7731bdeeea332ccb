import { type FileHandle, open } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, type MockInstance, test, vi } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../../test/support/databases.ts';
import { afterCommit } from './database.ts';
import { type LogSync, openLogSync } from './log-sync.ts';

let opened: TestDatabase;
let log: LogSync;
let datasync: MockInstance<FileHandle['datasync']>;
/** The syncs that were begun and are not ended by the test yet. */
let begun: PromiseWithResolvers<void>[];

beforeEach(async () => {
  opened = await openTestDatabase();
  log = await openLogSync(`${opened.path}-wal`);
  begun = [];
  await using file = await open(opened.path);
  datasync = vi.spyOn(Object.getPrototypeOf(file) as FileHandle, 'datasync').mockImplementation(() => {
    const sync = Promise.withResolvers<void>();
    begun.push(sync);
    return sync.promise;
  });
});
afterEach(async () => {
  datasync.mockRestore();
  await log[Symbol.asyncDispose]();
  await opened[Symbol.asyncDispose]();
});

test('one sync answers for all who asked before it began, and for nobody later', async () => {
  const ended: string[] = [];
  const ask = (name: string): Promise<unknown> => log.sync().then(() => ended.push(name));
  const asked = [ask('first')];
  await turn();
  asked.push(ask('second'), ask('third'));
  await turn();
  expect(begun).toHaveLength(1);
  begun[0]?.resolve();
  await turn();
  expect(ended).toEqual(['first']);
  expect(begun).toHaveLength(2);
  begun[1]?.resolve();
  await Promise.all(asked);
  expect(ended).toEqual(['first', 'second', 'third']);
});

test('a failed sync fails those it was for; the next one is tried afresh', async () => {
  const first = log.sync();
  await turn();
  const second = log.sync();
  begun[0]?.reject(new Error('EIO'));
  await expect(first).rejects.toThrow('EIO');
  await turn();
  begun[1]?.resolve();
  await second;
});

test('a transaction is answered, and its effects run, only after a sync that began after its commit', async () => {
  const { database } = opened;
  const told: string[] = [];
  const note = (name: string): Promise<unknown> =>
    database
      .transaction(async (tx) => {
        afterCommit(tx, () => told.push(`effect of ${name}`));
        await sql`insert into jobs (kind, payload, run_at, max_attempts, created_at) values (${name}, '{}', 0, 1, 0)`.execute(
          tx,
        );
      })
      .then(() => told.push(name));
  const first = note('first');
  await vi.waitUntil(() => begun.length === 1);
  const second = note('second');
  await vi.waitUntil(
    async () => (await database.read.selectFrom('jobs').select('id').execute()).length === 2,
  );
  expect(told).toEqual([]);
  begun[0]?.resolve();
  await first;
  expect(told).toEqual(['effect of first', 'first']);
  begun[1]?.resolve();
  await second;
  expect(told).toEqual(['effect of first', 'first', 'effect of second', 'second']);
});
