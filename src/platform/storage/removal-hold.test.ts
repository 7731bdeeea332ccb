import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../../test/support/databases.ts';
import { openStorage } from './open.ts';
import { createRemovalHold, holdRemovals } from './removal-hold.ts';
import { createBlobRemoval } from './removal.ts';

const times = { holdMs: 60_000, pollMs: 5 };
const live = new AbortController().signal;
let site: TestDatabase;

beforeEach(async () => {
  site = await openTestDatabase();
});
afterEach(() => site[Symbol.asyncDispose]());

const change = (set: object): Promise<unknown> =>
  site.database.transaction((tx) => tx.updateTable('jobs').set(set).execute());

test('removals wait for a hold and go on when it is lifted', async () => {
  const hold = createRemovalHold(site.database, times);
  await hold.lifted(live);
  const held = await holdRemovals(site.database, times);
  const order: string[] = [];
  const waiting = hold.lifted(live).then(() => order.push('lifted'));
  await held.confirm();
  order.push('confirmed');
  await held[Symbol.asyncDispose]();
  await waiting;
  expect(order).toEqual(['confirmed', 'lifted']);
  expect(await site.database.read.selectFrom('jobs').selectAll().execute()).toEqual([]);
});

test('a job that removes files leaves them alone meanwhile, and ends with its worker', async () => {
  const storage = await openStorage({ kind: 'local', folder: site.folder });
  await storage.blobs.put('pictures/a', Buffer.from('x'));
  const run = createBlobRemoval({ database: site.database, storage });
  const payload = { keys: ['pictures/a'], prefixes: [], drafts: [] };
  const job = { id: 1, attempt: 1, payload, confirm: () => Promise.resolve() };
  {
    await using held = await holdRemovals(site.database);
    await expect(run({ ...job, signal: AbortSignal.abort() })).rejects.toThrow(/abort/);
    await held.confirm();
    expect(await storage.blobs.open('pictures/a')).toBeDefined();
  }
  await run({ ...job, signal: live });
  expect(await storage.blobs.open('pictures/a')).toBeUndefined();
});

test('there is one hold at a time', async () => {
  await using held = await holdRemovals(site.database, times);
  await expect(holdRemovals(site.database, times)).rejects.toMatchObject({ code: 'backup_running' });
  await held.confirm();
});

test('a hold ends with its process, and the next backup takes its place', async () => {
  await using held = await holdRemovals(site.database, times);
  const [row] = await site.database.read.selectFrom('jobs').select('leaseHolder').execute();
  await change({ leaseHolder: row?.leaseHolder?.replace(/\/\d+\/[^/]+/, '/999999999/gone') });
  await createRemovalHold(site.database, times).lifted(live);
  await using next = await holdRemovals(site.database, times);
  await next.confirm();
  await expect(held.confirm()).rejects.toMatchObject({ code: 'backup_interrupted' });
});

test('a hold that ran out cannot be confirmed, as files may have gone', async () => {
  await using held = await holdRemovals(site.database, times);
  await change({ leaseUntil: Date.now() - 1 });
  await expect(held.confirm()).rejects.toMatchObject({ code: 'backup_interrupted' });
  await createRemovalHold(site.database, times).lifted(live);
});
