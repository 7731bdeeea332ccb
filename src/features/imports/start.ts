// What comes before any row is taken: is this the site we think, may its ids be kept, and which import of it is this.
import { randomBytes, createHash } from 'node:crypto';
import type { Database } from '../../platform/database/database.ts';
import { conflict, invalid } from '../../platform/errors.ts';
import type { ForeignDatabase } from '../../platform/foreign-databases/foreign-database.ts';
import * as tables from './source-tables.ts';

/** An import that was begun, now or before. */
export interface Begun {
  sourceId: number;
  salt: string;
}

/** Where ids are kept, and from which table of the source. */
const keptIds = [
  { ours: 'users', theirs: tables.users.table, noun: 'user' },
  { ours: 'profiles', theirs: tables.profiles.table, noun: 'profile' },
  { ours: 'posts', theirs: tables.posts.table, noun: 'post' },
  { ours: 'media', theirs: tables.mediaFiles.table, noun: 'picture or video' },
] as const;

const HIGHEST_KEPT = 1e15;
const BATCH = 500;

/**
 * Notes the import, unless it is noted already, and sets every id of the source aside, so that nothing made here from now
 * on takes one. Throws `invalid` (`not_the_original`) or `conflict` (`ids_in_use`).
 */
export async function begin({
  database,
  source,
  now,
}: {
  database: Database;
  source: ForeignDatabase;
  now: () => number;
}): Promise<Begun> {
  const fingerprint = await readFingerprint(source);
  const known = await findBegun(database, fingerprint);
  if (!known) await refuseCollisions(database, source);
  const highest: number[] = [];
  for (const { theirs } of keptIds) highest.push(await source.findHighestId(theirs));
  return database.transaction(async (tx) => {
    for (const [index, { ours }] of keptIds.entries()) {
      await database.dialect.reserveIds(tx, ours, Math.min(highest[index] ?? 0, HIGHEST_KEPT));
    }
    await tx
      .insertInto('importSources')
      .values({ fingerprint, salt: randomBytes(16).toString('hex'), startedAt: now() })
      .onConflict((on) => on.doNothing())
      .execute();
    const { id, salt } = await tx
      .selectFrom('importSources')
      .selectAll()
      .where('fingerprint', '=', fingerprint)
      .executeTakeFirstOrThrow();
    return { sourceId: id, salt };
  });
}

const needed: readonly string[] = Object.values(tables).flatMap((table) =>
  typeof table === 'object' ? [table.table] : [],
);

/** Tables that are neither Django's own nor read here. */
export async function listOtherTables(source: ForeignDatabase): Promise<string[]> {
  const names = await source.listTables();
  return names.filter(
    (name) => !needed.includes(name) && !/^(django_|auth_|sqlite_|token_blacklist_)/.test(name),
  );
}

async function readFingerprint(source: ForeignDatabase): Promise<string> {
  const present = new Set(await source.listTables());
  const missing = needed.filter((name) => !present.has(name));
  if (missing.length > 0) throw notTheOriginal(`it has no table ${missing[0]}`);
  for await (const [first] of source.readBatches(tables.migrations, 1)) {
    const parsed = tables.migrations.schema.safeParse(first);
    if (!parsed.success) break;
    const { app, name, applied } = parsed.data;
    return createHash('sha256').update(`${app} ${name} ${applied}`).digest('hex').slice(0, 32);
  }
  throw notTheOriginal('its table django_migrations is empty');
}

async function findBegun(database: Database, fingerprint: string): Promise<boolean> {
  const row = await database.read
    .selectFrom('importSources')
    .select('id')
    .where('fingerprint', '=', fingerprint)
    .executeTakeFirst();
  return row !== undefined;
}

/** A first import needs its ids free. Later, a row whose id was used meanwhile is refused by itself. */
async function refuseCollisions(database: Database, source: ForeignDatabase): Promise<void> {
  for (const { ours, theirs, noun } of keptIds) {
    // Users are the exception: no link holds their ids, so who comes second gets a new one.
    if (ours === 'users') continue;
    let last = 0;
    for (;;) {
      const rows = await database.read
        .selectFrom(ours)
        .select('id')
        .where('id', '>', last)
        .orderBy('id')
        .limit(BATCH)
        .execute();
      const ids = rows.map((row) => row.id);
      const [collision] = await source.find(
        { table: theirs, columns: ['id'] },
        { column: 'id', values: ids },
      );
      if (collision) {
        throw conflict(
          'ids_in_use',
          `This site has a ${noun} ${Number(collision['id'])} already, and so has the one to be brought over. ` +
            'Its ids are kept so that old links work: bring it over into a new site (another DATA_DIR), before anybody signs up.',
        );
      }
      if (rows.length < BATCH) break;
      last = ids.at(-1) ?? last;
    }
  }
}

const notTheOriginal = (reason: string): Error =>
  invalid('not_the_original', `This is no database of the original site: ${reason}.`);
