import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../../test/support/databases.ts';
import { DomainError } from '../errors.ts';
import { afterCommit, type Database, type Transaction } from './database.ts';
import { openDatabase } from './open.ts';

let opened: TestDatabase;
let database: Database;
beforeEach(async () => {
  opened = await openTestDatabase();
  database = opened.database;
});
afterEach(() => opened[Symbol.asyncDispose]());

/** Something small to write: a dead job. */
const insertJob = (tx: Transaction, kind: string): Promise<unknown> =>
  tx
    .insertInto('jobs')
    .values({
      kind,
      payload: '{}',
      uniqueKey: null,
      runAt: 0,
      maxAttempts: 1,
      leaseHolder: null,
      lastError: null,
      createdAt: 0,
      deadAt: 1,
    })
    .execute();

const kinds = async (): Promise<string[]> =>
  (await database.read.selectFrom('jobs').select('kind').orderBy('id').execute()).map((row) => row.kind);

describe('a transaction', () => {
  test('is seen by readers after its commit and not before', async () => {
    await database.transaction(async (tx) => {
      await insertJob(tx, 'seen');
      expect(await kinds()).toEqual([]);
    });
    expect(await kinds()).toEqual(['seen']);
  });

  test('leaves nothing behind when it throws, and the next one is not hurt', async () => {
    const failing = database.transaction(async (tx) => {
      await insertJob(tx, 'lost');
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    await database.transaction((tx) => insertJob(tx, 'kept'));
    expect(await kinds()).toEqual(['kept']);
  });

  test('runs apart from others that are asked for at the same time', async () => {
    await database.transaction((tx) => insertJob(tx, '0'));
    const increment = () =>
      database.transaction(async (tx) => {
        const { kind } = await tx.selectFrom('jobs').select('kind').executeTakeFirstOrThrow();
        await delay(1);
        await tx
          .updateTable('jobs')
          .set({ kind: String(Number(kind) + 1) })
          .execute();
      });
    await Promise.all(Array.from({ length: 20 }, increment));
    expect(await kinds()).toEqual(['20']);
  });

  test('cannot be used once it is over', async () => {
    let kept: Transaction | undefined;
    await database.transaction(async (tx) => {
      kept = tx;
    });
    const late = async () => kept && insertJob(kept, 'late');
    await expect(late()).rejects.toThrow('already committed');
    expect(await kinds()).toEqual([]);
  });

  test('keeps foreign keys', async () => {
    const orphan = database.transaction((tx) =>
      tx.insertInto('likes').values({ postId: 404, profileId: 404, createdAt: 0 }).execute(),
    );
    await expect(orphan).rejects.toThrow('FOREIGN KEY');
  });

  test('says what a full disk is, and goes on when there is room again', async () => {
    const filling = database.transaction(async (tx) => {
      const { rows } = await sql<{ pageCount: number }>`pragma page_count`.execute(tx);
      await sql`pragma max_page_count = ${sql.lit(rows[0]?.pageCount ?? 0)}`.execute(tx);
      await insertJob(tx, 'x'.repeat(100_000));
    });
    await expect(filling).rejects.toMatchObject({ kind: 'unavailable', code: 'storage_full' });
    await database.transaction(async (tx) => {
      await sql`pragma max_page_count = 1000000`.execute(tx);
      await insertJob(tx, 'after');
    });
    expect(await kinds()).toEqual(['after']);
  });

  test('survives as committed when the process is killed right after', async () => {
    const program = `
      import { openDatabase } from ${JSON.stringify(new URL('open.ts', import.meta.url).href)};
      const database = await openDatabase({ engine: 'sqlite', path: ${JSON.stringify(opened.path)} }, console.error);
      await database.transaction((tx) => tx.insertInto('jobs').values({ kind: 'acknowledged', payload: '{}', uniqueKey: null,
        runAt: 0, maxAttempts: 1, leaseHolder: null, lastError: null, createdAt: 0, deadAt: 1 }).execute());
      process.kill(process.pid, 'SIGKILL');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' });
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    expect(await kinds()).toEqual(['acknowledged']);
  });
});

describe('effects', () => {
  test('run after the commit, in order', async () => {
    const seen: string[] = [];
    await database.transaction(async (tx) => {
      afterCommit(tx, () => seen.push('first'));
      afterCommit(tx, () => seen.push('second'));
      await insertJob(tx, 'cause');
      expect(seen).toEqual([]);
    });
    expect(seen).toEqual(['first', 'second']);
  });

  test('are dropped by a rollback', async () => {
    const seen: string[] = [];
    const failing = database.transaction(async (tx) => {
      afterCommit(tx, () => seen.push('effect'));
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(seen).toEqual([]);
  });

  test('that throw stop neither the others nor the caller', async () => {
    const seen: string[] = [];
    const result = await database.transaction(async (tx) => {
      afterCommit(tx, () => {
        throw new Error('this effect is broken');
      });
      afterCommit(tx, () => seen.push('still here'));
      return 'done';
    });
    expect(result).toBe('done');
    expect(seen).toEqual(['still here']);
    expect(opened.errors).toMatchObject([{ message: 'this effect is broken' }]);
  });

  test('cannot hang on anything but an open transaction of ours', () => {
    expect(() => afterCommit(database.read as Transaction, () => undefined)).toThrow('outside');
  });
});

describe('another process with the lock of the writer', () => {
  test('is waited for, without blocking the event loop', async () => {
    using other = holdLock(opened.path);
    const loop = monitorEventLoopDelay({ resolution: 1 });
    loop.enable();
    const written = database.transaction((tx) => insertJob(tx, 'patient'));
    await delay(500);
    loop.disable();
    expect(await kinds()).toEqual([]);
    other.release();
    await written;
    expect(await kinds()).toEqual(['patient']);
    // Blocked waiting would be seen as delays of the length of the driver's own time-out.
    expect(loop.percentile(90) / 1e6).toBeLessThan(20);
  });

  test('is given up on after five seconds, by everybody who waited that long', async () => {
    using other = holdLock(opened.path);
    const began = performance.now();
    const refusals = await Promise.all(
      Array.from({ length: 5 }, async (_, index) =>
        database
          .transaction((tx) => insertJob(tx, `impatient ${index}`))
          .then(
            () => undefined,
            (error: unknown) => ({ error, after: performance.now() - began }),
          ),
      ),
    );
    for (const refusal of refusals) {
      expect(refusal?.error).toBeInstanceOf(DomainError);
      expect(refusal?.error).toMatchObject({ code: 'database_busy', details: { retryAfter: 2 } });
      expect(refusal?.after).toBeGreaterThan(4_900);
      expect(refusal?.after).toBeLessThan(7_000);
    }
    other.release();
    await database.transaction((tx) => insertJob(tx, 'later'));
    expect(await kinds()).toEqual(['later']);
  });

  test('costs nobody their turn who has waited for less, behind one who has not', async () => {
    using other = holdLock(opened.path);
    const first = database.transaction((tx) => insertJob(tx, 'first'));
    const refusal = first.catch((error: unknown) => error);
    await delay(1_000);
    const second = database.transaction((tx) => insertJob(tx, 'second'));
    await delay(1_000);
    const third = database.transaction((tx) => insertJob(tx, 'third'));
    expect(await refusal).toMatchObject({ code: 'database_busy' });
    await delay(500);
    other.release();
    await Promise.all([second, third]);
    expect(await kinds()).toEqual(['second', 'third']);
  });

  test('does not keep readers waiting', async () => {
    using _other = holdLock(opened.path);
    expect(await kinds()).toEqual([]);
  });
});

describe('a backup', () => {
  test('is complete and consistent although the database is written to all the time', async () => {
    await database.transaction(async (tx) => {
      for (let index = 0; index < 200; index += 1) await insertJob(tx, `${index} ${'x'.repeat(20_000)}`);
    });
    let copying = true;
    let written = 0;
    const writing = (async () => {
      while (copying) {
        await database.transaction(async (tx) => {
          await insertJob(tx, 'pair');
          await insertJob(tx, 'pair');
        });
        written += 1;
        await delay(1);
      }
    })();
    const copy = join(opened.folder, 'copy.db');
    // A copy can be made between two writes: the next one is made of more.
    let before: number;
    do {
      await rm(copy, { force: true });
      before = written;
      await database.backup?.(copy);
    } while (written === before);
    copying = false;
    await writing;
    expect(readFrom(copy, 'pragma integrity_check')).toBe('ok');
    expect(Number(readFrom(copy, `select count(*) from jobs where kind = 'pair'`)) % 2).toBe(0);
    expect(readFrom(copy, `select count(*) from jobs where kind <> 'pair'`)).toBe(200);
  });

  test('holds what was committed just before', async () => {
    await database.transaction((tx) => insertJob(tx, 'fresh'));
    const copy = join(opened.folder, 'copy.db');
    await database.backup?.(copy);
    await using again = await openDatabase({ engine: 'sqlite', path: copy }, () => undefined);
    expect(await again.read.selectFrom('jobs').select('kind').execute()).toEqual([{ kind: 'fresh' }]);
  });
});

test('statements stay right when thousands of different ones were prepared in between', async () => {
  await database.transaction((tx) => insertJob(tx, 'one'));
  for (let length = 1; length <= 1_200; length += 1) {
    const ids = Array.from({ length }, (_, index) => index + 1);
    const rows = await database.read.selectFrom('jobs').select('kind').where('id', 'in', ids).execute();
    expect(rows).toEqual([{ kind: 'one' }]);
  }
});

test('reading cannot write', async () => {
  await expect(insertJob(database.read as Transaction, 'sly')).rejects.toThrow('readonly');
});

test('closing leaves the file and no log', async () => {
  await database[Symbol.asyncDispose]();
  expect(await readdir(opened.folder)).toEqual(['veranda.db']);
});

function readFrom(path: string, query: string): unknown {
  const connection = new Sqlite(path, { readonly: true });
  try {
    return connection.prepare(query).pluck().get();
  } finally {
    connection.close();
  }
}

function holdLock(path: string): Disposable & { release(): void } {
  const connection = new Sqlite(path);
  connection.exec('begin immediate');
  const release = (): void => void connection.close();
  return { release, [Symbol.dispose]: release };
}
