// What became of every row: counts for each table, and a reason for each row that was not taken as it was. The lists
// are bounded, the counts are not.

export interface TableCount {
  /** A table of the source, or one of its columns for files. */
  readonly table: string;
  read: number;
  /** By this run. */
  taken: number;
  /** By an earlier run. */
  there: number;
  refused: number;
}

export interface Tally {
  /** In the order in which they were begun. */
  readonly tables: TableCount[];
  /** Rows that were not taken, each with its reason. */
  readonly refusals: Lines;
  /** Rows that were taken with a change, each with what it is. */
  readonly notes: Lines;
  at(table: string): TableCount;
  refuse(row: { table: string; id: number }, reason: string): void;
  note(row: { table: string; id: number }, sentence: string): void;
}

export interface Lines {
  readonly lines: string[];
  /** Those beyond the first 100 of a table. */
  readonly more: Map<string, number>;
}

const LINES_PER_TABLE = 100;

export function createTally(): Tally {
  const tables: TableCount[] = [];
  const refusals = createLines();
  const notes = createLines();
  const at = (table: string): TableCount => {
    const known = tables.find((count) => count.table === table);
    if (known) return known;
    const count = { table, read: 0, taken: 0, there: 0, refused: 0 };
    tables.push(count);
    return count;
  };
  return {
    tables,
    refusals,
    notes,
    at,
    refuse({ table, id }, reason) {
      at(table).refused += 1;
      refusals.add(table, `${table} ${id}: ${reason}`);
    },
    note: ({ table, id }, sentence) => notes.add(table, `${table} ${id}: ${sentence}`),
  };
}

function createLines(): Lines & { add(table: string, line: string): void } {
  const lines: string[] = [];
  const counts = new Map<string, number>();
  const more = new Map<string, number>();
  return {
    lines,
    more,
    add(table, line) {
      const count = (counts.get(table) ?? 0) + 1;
      counts.set(table, count);
      if (count <= LINES_PER_TABLE) lines.push(printable(line));
      else more.set(table, count - LINES_PER_TABLE);
    },
  };
}

/** Names and paths of the source end up on a terminal: no control characters, no endless lines. */
const printable = (line: string): string =>
  line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD').slice(0, 500);
