// The original site of test/fixtures: who is in it, copies of it to spoil, and what a database holds after it moved in.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Sqlite from 'better-sqlite3';
import type { App } from '../../src/app.ts';
import type { DjangoImport, ImportReport } from '../../src/features/imports/index.ts';
import { openForeignDatabase } from '../../src/platform/foreign-databases/open.ts';
import { databaseSettings, look } from './engines.ts';

const folder = fileURLToPath(new URL('../fixtures/original-site', import.meta.url));

export interface Site {
  /** Path of the SQLite file, or address of a PostgreSQL database. */
  database: string;
  media: string;
}

export const originalSite: Site = { database: join(folder, 'db.sqlite3'), media: join(folder, 'media') };

/** User name and password by profile id. */
export const passwords: Record<number, [username: string, password: string]> = {
  1: ['mara.lindqvist', 'Harbour-Lamp-41'],
  2: ['tobias_k', 'Copper-Kettle-52'],
  3: ['inés@valle', 'Window-Garden-63'],
  4: ['yuki-mori', 'Paper-Crane-74'],
  5: ['Desmond', 'Quiet-Ferry-85'],
  6: ['priya+n', 'Monsoon-Tea-96'],
};

export interface SiteCopy extends Site, AsyncDisposable {
  folder: string;
}

/** A copy of the site whose database `edit` has changed. */
export async function copySite(
  edit: (database: Sqlite.Database) => void = () => undefined,
): Promise<SiteCopy> {
  const copy = await mkdtemp(join(tmpdir(), 'veranda-original-'));
  await cp(folder, copy, { recursive: true });
  const database = new Sqlite(join(copy, 'db.sqlite3'));
  database.pragma('foreign_keys = off');
  edit(database);
  database.close();
  return {
    folder: copy,
    database: join(copy, 'db.sqlite3'),
    media: join(copy, 'media'),
    [Symbol.asyncDispose]: () => rm(copy, { recursive: true, force: true }),
  };
}

export async function moveIn(
  app: App,
  site: Site = originalSite,
  more: Partial<DjangoImport> = {},
): Promise<ImportReport> {
  await using source = await openForeignDatabase(site.database);
  return await app.imports.importDjango({ source, mediaFolder: site.media, ...more });
}

const contents = {
  users:
    'id, username, username_key, email, email_key, first_name, last_name, role, created_at, suspended_at is null as active',
  profiles:
    'id, user_id, bio, picture_key is null as plain, cover_key is null as bare, followers_count, following_count, created_at',
  follows: '*',
  posts: 'id, author_id, parent_id, root_id, text, likes_count, children_count, created_at, edited_at',
  likes: '*',
  media: 'id, owner_id, post_id, position, kind, label, width, height, size, created_at, ready_at',
  imports: '*',
};

/** Everything that an import writes, but for names of files, which are random, and the file of the database itself. */
export function readContents(dataDir: string): Promise<Record<keyof typeof contents, unknown[]>> {
  return look(dataDir, async (ask) => {
    const rows: [string, unknown[]][] = [];
    for (const [table, columns] of Object.entries(contents))
      rows.push([table, await ask(`select ${columns} from ${table} order by 1, 2, 3`)]);
    return Object.fromEntries(rows) as Record<keyof typeof contents, unknown[]>;
  });
}

/** Rows of a database file, for a test to look at. */
export function query(path: string, sql: string): Record<string, unknown>[] {
  const database = new Sqlite(path, { readonly: true });
  try {
    return database.prepare<[], Record<string, unknown>>(sql).all();
  } finally {
    database.close();
  }
}

/** Read and taken, in the order of the report. */
export const counts: Record<string, [read: number, taken: number]> = {
  auth_user: [6, 6],
  Users_profile: [6, 6],
  Users_profile_followers: [13, 13],
  Posts_post: [12, 12],
  Posts_comment: [10, 9],
  Posts_post_comments: [9, 9],
  Posts_reply: [5, 5],
  Posts_comment_replyes: [5, 5],
  Posts_post_likes: [23, 23],
  Posts_comment_likes: [6, 6],
  Posts_reply_likes: [4, 4],
  'Users_profile.profile_picture': [6, 6],
  'Users_profile.cover_image': [2, 2],
  Posts_mediafile: [5, 4],
  Posts_post_media_files: [4, 4],
};

/** Rows whose counters are not what they count. */
export const wrongCounters = `
  select id from posts where likes_count <> (select count(*) from likes where post_id = posts.id)
    or children_count <> (select count(*) from posts c where c.parent_id = posts.id)
  union all
  select id from profiles where followers_count <> (select count(*) from follows where followed_id = profiles.id)
    or following_count <> (select count(*) from follows where follower_id = profiles.id)`;

/** Read, taken, there and refused by table. */
export const summarise = ({ tables }: ImportReport) =>
  Object.fromEntries(
    tables.map(({ table, read, taken, there, refused }) => [table, [read, taken, there, refused]]),
  );

const veranda = fileURLToPath(new URL('../../bin/veranda.js', import.meta.url));

/** Starts the program on a data folder. */
export async function spawnVeranda(args: string[], dataDir: string) {
  const database = await databaseSettings(dataDir);
  return spawn(process.execPath, [veranda, ...args], {
    env: { PATH: process.env['PATH'], DATA_DIR: dataDir, ...database },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export const importArguments = ({ database, media }: Site): string[] => [
  ...['import-django', '--database', database],
  ...['--media', media],
];

/** Runs it to its end; `output` is both of its outputs. */
export async function runVeranda(
  args: string[],
  dataDir: string,
): Promise<{ code: number | null; output: string }> {
  const child = await spawnVeranda(args, dataDir);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  await once(child, 'close');
  return { code: child.exitCode, output };
}

export const runImport = (site: Site, dataDir: string) => runVeranda(importArguments(site), dataDir);
