// A database of another program, to be read and never written: named tables in batches by ascending `id`, all as they
// were at one moment, so that rows refer to each other as they did then.

/** A row as the driver gives it; the reader checks every value. Times may be text. */
export type ForeignRow = Readonly<Record<string, unknown>>;

/** Which columns of which table; `id` is always among them. Names are written in the program, never read. */
export interface Selection {
  readonly table: string;
  readonly columns: readonly string[];
}

export interface ForeignDatabase extends AsyncDisposable {
  /** What a report says, e.g. `SQLite 3.54.1 (old/db.sqlite3)`; never a password. */
  readonly description: string;
  listTables(): Promise<string[]>;
  /** The highest id that the table ever gave, as far as the database can tell; 0 for none. */
  findHighestId(table: string): Promise<number>;
  count(table: string): Promise<number>;
  /** All rows whose id is from 1 to 2^53 - 1, at most `size` at a time; the next batch is read when it is asked for. */
  readBatches(selection: Selection, size: number): AsyncIterable<ForeignRow[]>;
  /** The rows whose `column` is one of `values`, by ascending id. */
  find(selection: Selection, options: { column: string; values: readonly number[] }): Promise<ForeignRow[]>;
}

/** Quotes a name for both engines. Throws for one that no program would write. */
export function quoteName(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new Error(`"${name}" is no name of a table or column`);
  return `"${name}"`;
}

/** The walk by ascending id that both engines share; `readAfter` gives the next rows above an id. */
export async function* walkById(
  readAfter: (id: number) => Promise<ForeignRow[]>,
  size: number,
): AsyncGenerator<ForeignRow[]> {
  let last = 0;
  for (;;) {
    const rows = await readAfter(last);
    if (rows.length > 0) yield rows;
    if (rows.length < size) return;
    last = Number(rows.at(-1)?.['id']);
  }
}
