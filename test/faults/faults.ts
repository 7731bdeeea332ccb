// A disk that fails: the n-th call of the database's driver, or of the file system, fails as the real ones do. Only calls
// that concern one data folder count, and only while the fault is set.
import { readlinkSync } from 'node:fs';
import fs, { type FileHandle, open } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { databaseOf, onPostgres } from '../support/engines.ts';

export interface Fault extends Disposable {
  /** Whether it came to that call. */
  readonly struck: boolean;
}

export interface FaultOptions {
  /** What the calls concern. */
  dataDir: string;
  /** The first call that fails, from 1. */
  nth: number;
  /**
   * `before`: that call does nothing. `after`: it does its work and fails all the same, as a commit whose sync failed.
   * `lasting`: that call and all that follow do nothing, the rollback among them.
   */
  kind: FaultKind;
}

export type FaultKind = 'before' | 'after' | 'lasting';

/** What is said in errors below, and to nobody outside. */
export const SECRET = 'disk I/O error in sector 4711';

const statement = Object.getPrototypeOf(new Sqlite(':memory:').prepare('select 1')) as Sqlite.Statement;
const fileHandle = await handlePrototype();

/** The statements that run, the frame of transactions included. */
export function failStatements(options: FaultOptions): Fault {
  return onPostgres ? failQueries(options) : failSqlite(options);
}

function failSqlite(options: FaultOptions): Fault {
  const isOurs = (self: unknown): boolean =>
    (self as Sqlite.Statement).database.name.startsWith(options.dataDir);
  const fail = (): never => {
    throw new Sqlite.SqliteError(SECRET, 'SQLITE_IOERR_WRITE');
  };
  const patch = createPatch(options, { isOurs, fail });
  return patch([{ target: statement, names: ['all', 'get', 'run'] }]);
}

function failQueries(options: FaultOptions): Fault {
  const isOurs = (self: unknown): boolean => (self as pg.Client).database === databaseOf(options.dataDir);
  // io_error, as the server says it.
  const fail = (): Promise<never> => Promise.reject(Object.assign(new Error(SECRET), { code: '58030' }));
  return createPatch(options, { isOurs, fail })([{ target: pg.Client.prototype, names: ['query'] }]);
}

/** What makes, changes and moves files. */
export function failFiles(options: FaultOptions): Fault {
  const isOurs = (self: unknown, [path]: unknown[]): boolean =>
    self === fs ? String(path).startsWith(options.dataDir) : !isLog(self as FileHandle);
  const fail = (): Promise<never> => Promise.reject(Object.assign(new Error(SECRET), { code: 'EIO' }));
  const patch = createPatch(options, { isOurs, fail });
  const fault = patch([
    { target: fs, names: ['open', 'mkdir', 'rename', 'rm'] },
    { target: fileHandle, names: ['write', 'writeFile', 'truncate', 'sync', 'datasync'] },
  ]);
  // Makes `import { rename }` see it, everywhere.
  syncBuiltinESMExports();
  return {
    get struck() {
      return fault.struck;
    },
    [Symbol.dispose]() {
      fault[Symbol.dispose]();
      syncBuiltinESMExports();
    },
  };
}

/** The database's log: that it cannot be synced ends the process, which is shown elsewhere. */
const isLog = ({ fd }: FileHandle): boolean => readlinkSync(`/proc/self/fd/${fd}`).endsWith('.db-wal');

interface Patched {
  target: object;
  names: string[];
}

function createPatch(
  { nth, kind }: FaultOptions,
  { isOurs, fail }: { isOurs: (self: unknown, args: unknown[]) => boolean; fail: () => unknown },
) {
  return (all: Patched[]): Fault => {
    let calls = 0;
    const restore: (() => void)[] = [];
    for (const { target, names } of all)
      for (const name of names) {
        const original = Reflect.get(target, name) as (...args: unknown[]) => unknown;
        function faulty(this: unknown, ...args: unknown[]): unknown {
          if (!isOurs(this ?? target, args)) return original.apply(this, args);
          calls += 1;
          if (calls < nth || (calls > nth && kind !== 'lasting')) return original.apply(this, args);
          if (kind !== 'after') return fail();
          const done = original.apply(this, args);
          return done instanceof Promise ? done.then(close).then(fail) : fail();
        }
        Reflect.set(target, name, faulty);
        restore.push(() => Reflect.set(target, name, original));
      }
    return {
      get struck() {
        return calls >= nth;
      },
      [Symbol.dispose]: () => restore.forEach((undo) => undo()),
    };
  };
}

/** A file that was opened for nobody. */
async function close(opened: unknown): Promise<void> {
  if (opened instanceof Object && 'close' in opened) await (opened as FileHandle).close();
}

async function handlePrototype(): Promise<object> {
  await using handle = await open(tmpdir(), 'r');
  return Object.getPrototypeOf(handle) as object;
}
