// What a server in this process asks of its database: the statements that really ran, seen at the driver.
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { vi } from 'vitest';
import { onPostgres } from './engines.ts';

export interface Statement {
  text: string;
  values: unknown[];
}

/** What runs until `work` is done, in order, without the frame of transactions. */
export async function recordStatements(work: () => Promise<unknown>): Promise<Statement[]> {
  return onPostgres ? recordPostgres(work) : recordSqlite(work);
}

async function recordSqlite(work: () => Promise<unknown>): Promise<Statement[]> {
  const prototype = Object.getPrototypeOf(new Sqlite(':memory:').prepare('select 1')) as Sqlite.Statement;
  const spies = (['all', 'get', 'run', 'iterate'] as const).map((method) => vi.spyOn(prototype, method));
  try {
    await work();
    return spies
      .flatMap(({ mock }) =>
        mock.calls.map((values, index) => ({
          order: mock.invocationCallOrder[index] ?? 0,
          text: (mock.contexts[index] as Sqlite.Statement | undefined)?.source ?? '',
          values: values.flat(),
        })),
      )
      .toSorted((a, b) => a.order - b.order)
      .filter(isWork);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** Everything is asked of clients as a query with its text and values. */
async function recordPostgres(work: () => Promise<unknown>): Promise<Statement[]> {
  const spy = vi.spyOn(pg.Client.prototype, 'query');
  try {
    await work();
    const calls = spy.mock.calls as unknown as [Partial<Statement> | undefined][];
    return calls.map(([query]) => ({ text: query?.text ?? '', values: query?.values ?? [] })).filter(isWork);
  } finally {
    spy.mockRestore();
  }
}

/** Neither the frame of transactions nor what they queue for. */
const isWork = ({ text }: Statement): boolean =>
  !/^(begin|commit|rollback|savepoint|release|select pg_advisory_xact_lock)/i.test(text);
