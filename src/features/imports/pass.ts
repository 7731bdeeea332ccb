// One walk over one table of the source, which every table takes in the same way: a batch is read, rows that were taken
// before are passed over, files are worked on, and one transaction takes the rest and records it.
import { setImmediate as breathe } from 'node:timers/promises';
import type { Database, Transaction } from '../../platform/database/database.ts';
import type { ForeignDatabase } from '../../platform/foreign-databases/foreign-database.ts';
import type { Ledger } from './ledger.ts';
import { describeIssues, type SourceTable } from './source-tables.ts';
import type { Tally } from './tally.ts';

/** What a running import works with. */
export interface Run {
  readonly database: Database;
  readonly source: ForeignDatabase;
  readonly ledger: Ledger;
  readonly tally: Tally;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: { table: string; read: number }) => void) | undefined;
  readonly now: () => number;
}

/** What became of a row: the id of ours that stands for it, or the reason why it was not taken. */
export type Outcome = { localId: number } | { refused: string };

export interface Pass<Row, Prepared> {
  readonly source: SourceTable<Row>;
  /** The table's name unless a table is walked more than once. */
  readonly name?: string;
  /** Rows that say nothing, which are not even counted. */
  isEmpty?(row: Row): boolean;
  /** 500 unless told: fewer where each row costs much. */
  readonly batch?: number;
  /** What is no writing of rows: done before the transaction, for rows that were not taken yet. */
  prepare(rows: readonly Row[]): Promise<Prepared>;
  /** Writes rows of ours; an outcome for each row. */
  take(tx: Transaction, rows: readonly Row[], prepared: Prepared): Promise<Map<number, Outcome>>;
}

const BATCH = 500;

export async function walk<Row extends { id: number }, Prepared>(
  run: Run,
  pass: Pass<Row, Prepared>,
): Promise<void> {
  const { source } = run;
  const name = pass.name ?? pass.source.table;
  const count = run.tally.at(name);
  for await (const batch of source.readBatches(pass.source, pass.batch ?? BATCH)) {
    // SQLite answers without ever waiting: other work of this process, and its clean-up, want their turn.
    await breathe();
    run.signal?.throwIfAborted();
    const rows = parse(run, { pass, name, batch });
    await takeBatch(run, { pass, name, rows });
    run.onProgress?.({ table: name, read: count.read });
  }
  if (pass.name === undefined) await countUnreached(run, name);
}

function parse<Row extends { id: number }, Prepared>(
  { tally }: Run,
  { pass, name, batch }: { pass: Pass<Row, Prepared>; name: string; batch: Record<string, unknown>[] },
): Row[] {
  const rows: Row[] = [];
  for (const raw of batch) {
    const parsed = pass.source.schema.safeParse(raw);
    if (parsed.success && pass.isEmpty?.(parsed.data)) continue;
    tally.at(name).read += 1;
    if (parsed.success) rows.push(parsed.data);
    else tally.refuse({ table: name, id: Number(raw['id']) }, describeIssues(parsed.error));
  }
  return rows;
}

async function takeBatch<Row extends { id: number }, Prepared>(
  { database, ledger, tally }: Run,
  { pass, name, rows }: { pass: Pass<Row, Prepared>; name: string; rows: readonly Row[] },
): Promise<void> {
  const ids = rows.map((row) => row.id);
  const known = await ledger.findKnown(database.read, { table: name, ids });
  const unknown = rows.filter((row) => !known.has(row.id));
  tally.at(name).there += known.size;
  if (unknown.length === 0) return;

  const prepared = await pass.prepare(unknown);
  const outcomes = await database.transaction(async (tx) => {
    // Another import of the same site may run beside this one.
    const meanwhile = await ledger.findKnown(tx, { table: name, ids });
    const fresh = unknown.filter((row) => !meanwhile.has(row.id));
    if (fresh.length === 0) return new Map<number, Outcome>();
    const made = await pass.take(tx, fresh, prepared);
    const localIds = [...made].flatMap(([id, outcome]): [number, number][] =>
      'localId' in outcome ? [[id, outcome.localId]] : [],
    );
    await ledger.record(tx, { table: name, localIds: new Map(localIds) });
    return made;
  });
  tally.at(name).there += unknown.length - outcomes.size;
  for (const [id, outcome] of outcomes) {
    if ('refused' in outcome) tally.refuse({ table: name, id }, outcome.refused);
    else tally.at(name).taken += 1;
  }
}

/** Rows with ids that no sequence gives, such as negative ones. */
async function countUnreached({ source, tally }: Run, name: string): Promise<void> {
  const count = tally.at(name);
  const missed = (await source.count(name)) - count.read;
  if (missed <= 0) return;
  count.read += missed;
  count.refused += missed - 1;
  tally.refuse({ table: name, id: 0 }, `${missed} with ids that no sequence gives`);
}
