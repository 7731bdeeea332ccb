// What a server in this process asks of its database: the statements that really ran, seen at the driver.
import Sqlite from 'better-sqlite3';
import { vi } from 'vitest';

export interface Statement {
  text: string;
  values: unknown[];
}

/** What runs until `work` is done, in order, without the frame of transactions. */
export async function recordStatements(work: () => Promise<unknown>): Promise<Statement[]> {
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
      .filter(({ text }) => !/^(begin|commit|rollback|savepoint|release)/i.test(text));
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
