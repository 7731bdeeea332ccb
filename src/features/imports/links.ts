// Django's tables between two tables. A comment, reply or file hangs on one thing here, so of several links the first
// counts. The tables are walked once more by themselves, so that each link is accounted for.
import { sql } from 'kysely';
import type { Transaction } from '../../platform/database/database.ts';
import { type Outcome, type Run, walk } from './pass.ts';
import type { SourceTable } from './source-tables.ts';

type LinkRow = { id: number } & Record<string, number>;
type ChildTable = 'Posts_comment' | 'Posts_reply' | 'Posts_mediafile';
type ParentTable = 'Posts_post' | 'Posts_comment';

export interface Link {
  readonly source: SourceTable<LinkRow>;
  readonly child: { table: ChildTable; column: string; noun: string };
  readonly parent: { table: ParentTable; column: string; noun: string };
}

export interface FirstLink {
  /** Counts up in the order in which things were linked. */
  linkId: number;
  /** Id in the source. */
  parentId: number;
}

/** The first link of each child, by the child's id in the source; children without one are absent. */
export async function findFirstLinks(
  { source }: Run,
  { link, ids }: { link: Link; ids: readonly number[] },
): Promise<Map<number, FirstLink>> {
  const first = new Map<number, FirstLink>();
  for (const raw of await source.find(link.source, { column: link.child.column, values: ids })) {
    const parsed = link.source.schema.safeParse(raw);
    if (!parsed.success) continue;
    const { id: linkId, [link.child.column]: child = 0, [link.parent.column]: parentId = 0 } = parsed.data;
    if (!first.has(child)) first.set(child, { linkId, parentId });
  }
  return first;
}

/** Accounts for each link, once what it links was taken. */
export async function takeLinks(run: Run, link: Link): Promise<void> {
  const { child, parent } = link;
  await walk(run, {
    source: link.source,
    prepare: async () => undefined,
    async take(tx, rows) {
      const idsIn = (column: string): number[] => rows.map((row) => row[column] ?? 0);
      const children = await run.ledger.resolve(tx, { table: child.table, ids: idsIn(child.column) });
      const parents = await run.ledger.resolve(tx, { table: parent.table, ids: idsIn(parent.column) });
      const parentOf = await findParents(tx, {
        run,
        table: child.table,
        ids: [...children.values()].map(({ id }) => id),
      });
      const judge = (row: LinkRow): Outcome => {
        const local = children.get(row[child.column] ?? 0);
        if (!local) return { refused: `${child.noun} ${row[child.column]} was not taken` };
        const localParent = parents.get(row[parent.column] ?? 0);
        if (!localParent) return { refused: `${parent.noun} ${row[parent.column]} was not taken` };
        if (parentOf.get(local.id) !== localParent.id)
          return { refused: `${child.noun} ${row[child.column]} is on another ${parent.noun} already` };
        return { localId: local.id };
      };
      return new Map(rows.map((row) => [row.id, judge(row)]));
    },
  });
}

async function findParents(
  tx: Transaction,
  { run, table, ids }: { run: Run; table: ChildTable; ids: readonly number[] },
): Promise<Map<number, number | null>> {
  const list = run.database.dialect.anyOf(ids);
  const { rows } =
    table === 'Posts_mediafile'
      ? await sql<Parent>`select id, post_id as parent_id from media where id in ${list}`.execute(tx)
      : await sql<Parent>`select id, parent_id from posts where id in ${list}`.execute(tx);
  return new Map(rows.map((row) => [row.id, row.parentId]));
}

interface Parent {
  id: number;
  parentId: number | null;
}
