// Everything that a site's database says at one moment, read beside the running server.
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';

export interface Site {
  posts: PostRow[];
  likes: { post: number; profile: number }[];
  follows: { followed: number; follower: number }[];
  profiles: { id: number; picture: string | null; cover: string | null }[];
  media: MediaRow[];
  mediaById: Map<number, MediaRow>;
  uploads: UploadRow[];
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
  'index of texts': `select id from posts where parent_id is null except select rowid from post_terms
    union select * from (select rowid from post_terms except select id from posts where parent_id is null)`,
};

export function readSite(dataDir: string): Site {
  const database = new Sqlite(join(dataDir, 'veranda.db'), { readonly: true, timeout: 5_000 });
  const all = <Row>(sql: string): Row[] => database.prepare<[], Row>(sql).all();
  try {
    return database.transaction(() => {
      const media = all<MediaRow>(
        `select id, owner_id owner, post_id post, kind, file_key file, hls_prefix hls, draft_prefix draft,
          poster_key poster, ready_at readyAt, failed_at failedAt, failure from media`,
      );
      return {
        media,
        mediaById: new Map(media.map((row) => [row.id, row])),
        posts: all<PostRow>(
          'select id, author_id author, parent_id parent, root_id root, text, version from posts order by id',
        ),
        likes: all<Site['likes'][number]>('select post_id post, profile_id profile from likes'),
        follows: all<Site['follows'][number]>(
          'select followed_id followed, follower_id follower from follows',
        ),
        profiles: all<Site['profiles'][number]>(
          'select id, picture_key picture, cover_key cover from profiles',
        ),
        uploads: all<UploadRow>(
          'select owner_id owner, media_id media, label, draft_key draft, offset, finished_at finishedAt from uploads',
        ),
        damage: [
          ...all<{ integrity_check: string }>('pragma integrity_check')
            .map((row) => row.integrity_check)
            .filter((line) => line !== 'ok'),
          ...all<{ table: string; rowid: number }>('pragma foreign_key_check').map(
            (row) => `${row.table} ${row.rowid} refers to nothing`,
          ),
          ...Object.entries(COUNTERS).flatMap(([name, sql]) =>
            all<{ id: number }>(sql).map(({ id }) => `${name} of ${id} is wrong`),
          ),
        ],
      };
    })();
  } finally {
    database.close();
  }
}

/** Jobs that wait or run. */
export function countOpenJobs(dataDir: string): number {
  const database = new Sqlite(join(dataDir, 'veranda.db'), { readonly: true, timeout: 5_000 });
  try {
    return (
      database.prepare<[], { open: number }>('select count(*) open from jobs where dead_at is null').get()
        ?.open ?? 0
    );
  } finally {
    database.close();
  }
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
    ...site.media.flatMap(({ file, poster }) => [file, poster]),
  ]);
  const prefixes = site.media.flatMap(({ hls, draft }) => [hls, draft]).filter((prefix) => prefix !== null);
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
