// Everything that a site's database says at one moment, read beside the running server.
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ask, type Asker, look, onPostgres } from '../support/engines.ts';

export interface Site {
  posts: PostRow[];
  likes: { post: number; profile: number }[];
  follows: { followed: number; follower: number }[];
  profiles: { id: number; picture: string | null; cover: string | null }[];
  media: MediaRow[];
  mediaById: Map<number, MediaRow>;
  uploads: UploadRow[];
  /** Prefixes of what was made of pictures. */
  renditions: string[];
  /** What the operator would have to mend, a line each; empty when the file is sound. */
  damage: string[];
}

export interface PostRow {
  id: number;
  author: number;
  parent: number | null;
  root: number | null;
  text: string;
  version: number;
}

export interface MediaRow {
  id: number;
  owner: number;
  post: number | null;
  kind: 'picture' | 'video';
  file: string | null;
  hls: string | null;
  draft: string | null;
  poster: string | null;
  source: string | null;
  readyAt: number | null;
  failedAt: number | null;
  failure: string | null;
}

export interface UploadRow {
  owner: number;
  media: number;
  label: string;
  draft: string;
  offset: number;
  finishedAt: number | null;
}

const TERMS_ID = onPostgres ? 'id' : 'rowid';

/** Pairs of a counter and what it must equal; each query answers the rows where it does not. */
const COUNTERS = {
  likes_count:
    'select id from posts p where likes_count <> (select count(*) from likes where post_id = p.id)',
  children_count:
    'select id from posts p where children_count <> (select count(*) from posts where parent_id = p.id)',
  followers_count:
    'select id from profiles p where followers_count <> (select count(*) from follows where followed_id = p.id)',
  following_count:
    'select id from profiles p where following_count <> (select count(*) from follows where follower_id = p.id)',
  'picture without its row': `select id from media m where kind = 'picture' and post_id is not null
      and not exists (select 1 from pictures where key = m.file_key and shown_on = m.post_id)
    union all select id from profiles p where picture_key is not null and not exists (select 1 from pictures where key = p.picture_key)
    union all select id from profiles p where cover_key is not null and not exists (select 1 from pictures where key = p.cover_key)`,
  'row without its picture': `select id from pictures p where not exists (select 1 from media where file_key = p.key)
    and not exists (select 1 from profiles where picture_key = p.key or cover_key = p.key)`,
  'index of texts': `select id from posts where parent_id is null except select ${TERMS_ID} as id from post_terms
    union select * from (select ${TERMS_ID} as id from post_terms except select id from posts where parent_id is null) as extra`,
};

export const readSite = (dataDir: string): Promise<Site> => look(dataDir, readRows);

export async function readRows(all: Asker): Promise<Site> {
  const media = await all<MediaRow>(
    `select id, owner_id as owner, post_id as post, kind, file_key as file, hls_prefix as hls, draft_prefix as draft,
        poster_key as poster, source_key as source, ready_at as "readyAt", failed_at as "failedAt", failure from media`,
  );
  const wrong: string[] = onPostgres ? [] : await findDamage(all);
  for (const [name, sql] of Object.entries(COUNTERS))
    wrong.push(...(await all<{ id: number }>(sql)).map(({ id }) => `${name} of ${id} is wrong`));
  return {
    media,
    mediaById: new Map(media.map((row) => [row.id, row])),
    posts: await all<PostRow>(
      'select id, author_id as author, parent_id as parent, root_id as root, text, version from posts order by id',
    ),
    likes: await all<Site['likes'][number]>('select post_id as post, profile_id as profile from likes'),
    follows: await all<Site['follows'][number]>(
      'select followed_id as followed, follower_id as follower from follows',
    ),
    profiles: await all<Site['profiles'][number]>(
      'select id, picture_key as picture, cover_key as cover from profiles',
    ),
    uploads: await all<UploadRow>(
      `select owner_id as owner, media_id as media, label, draft_key as draft, "offset", finished_at as "finishedAt" from uploads`,
    ),
    renditions: (
      await all<Record<string, string | null>>('select draft_prefix, webp_prefix, avif_prefix from pictures')
    ).flatMap((row) => Object.values(row).filter((prefix) => prefix !== null)),
    damage: wrong,
  };
}

/** What SQLite itself finds wrong with its file. */
async function findDamage(all: Asker): Promise<string[]> {
  const integrity = await all<{ integrity_check: string }>('pragma integrity_check');
  const references = await all<{ table: string; rowid: number }>('pragma foreign_key_check');
  return [
    ...integrity.map((row) => row.integrity_check).filter((line) => line !== 'ok'),
    ...references.map((row) => `${row.table} ${row.rowid} refers to nothing`),
  ];
}

/** Jobs that wait or run. */
export async function countOpenJobs(dataDir: string): Promise<number> {
  const [row] = await ask<{ open: number }>(
    dataDir,
    'select count(*) as open from jobs where dead_at is null',
  );
  return row?.open ?? 0;
}

export interface StoredFiles {
  /** Blobs that no row refers to. */
  orphans: string[];
  /** Drafts of no upload. */
  strayDrafts: string[];
  /** Keys in rows without a blob. */
  missing: string[];
}

/** Compares the rows with the files; sound only while nothing is written. */
export async function compareFiles(dataDir: string, site: Site): Promise<StoredFiles> {
  const blobs = await listFiles(join(dataDir, 'media'));
  const drafts = await listFiles(join(dataDir, 'uploads'));
  const keys = new Set([
    ...site.profiles.flatMap(({ picture, cover }) => [picture, cover]),
    ...site.media.flatMap(({ file, poster, source }) => [file, poster, source]),
  ]);
  const ofVideos = site.media.flatMap(({ hls, draft }) => [hls, draft]).filter((prefix) => prefix !== null);
  const prefixes = [...ofVideos, ...site.renditions];
  const open = new Set(
    site.uploads.filter(({ finishedAt }) => finishedAt === null).map(({ draft }) => draft),
  );
  return {
    orphans: blobs.filter(
      (blob) => !keys.has(blob) && !prefixes.some((prefix) => blob.startsWith(`${prefix}/`)),
    ),
    strayDrafts: drafts.filter((draft) => !open.has(draft)),
    missing: [...keys].filter((key) => key !== null && !existsSync(join(dataDir, 'media', key))).map(String),
  };
}

export const readDraft = (dataDir: string, key: string): Promise<Buffer> =>
  readFile(join(dataDir, 'uploads', key));

export async function listFiles(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}
