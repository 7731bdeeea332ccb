// What a failure must leave whole: the rows that people see, and what has to agree with them.
import { existsSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readSite } from '../crash/site.ts';
import { ask, listBlobs, onPostgres } from '../support/site-data.ts';

/** What people see. A row for an upload without a byte is none, nor is who holds a lease on it. */
const SEEN = {
  users: 'select * from users',
  profiles: 'select * from profiles',
  sessions: 'select * from sessions',
  posts: 'select * from posts',
  likes: 'select * from likes',
  follows: 'select * from follows',
  terms: onPostgres ? 'select id, terms::text from post_terms' : 'select id, sz from post_terms_docsize',
  media: 'select * from media where post_id is not null',
  uploads: 'select id, media_id, "offset", last_chunk_hash, finished_at from uploads where "offset" > 0',
};

export async function readSeen(dataDir: string): Promise<Record<string, unknown[]>> {
  const tables = Object.entries(SEEN).map(
    async ([name, sql]) => [name, await ask(dataDir, `${sql} order by 1, 2`)] as const,
  );
  return Object.fromEntries(await Promise.all(tables));
}

/** Each answers the rows that contradict others, beside what `readSite` calls damage. */
const CONTRADICTIONS = {
  'users without a profile': 'select id from users where id not in (select user_id from profiles)',
  'uploads that ended without their media on a post': `select uploads.id from uploads join media on media.id = media_id
     where (finished_at is null) <> (post_id is null)`,
  'videos on a post that nothing will encode': `select id from media where kind = 'video' and post_id is not null and ready_at is null
     and not exists (select 1 from jobs where kind = 'transcode' and ${onPostgres ? "(payload::json->>'mediaId')::bigint" : "json_extract(payload, '$.mediaId')"} = media.id)`,
};

export async function findContradictions(dataDir: string): Promise<string[]> {
  const asked = Object.entries(CONTRADICTIONS).map(async ([name, sql]) => ({
    name,
    rows: await ask(dataDir, sql),
  }));
  const found = (await Promise.all(asked)).filter(({ rows }) => rows.length > 0);
  const missing = await findMissingFiles(dataDir);
  return [
    ...(await readSite(dataDir)).damage,
    ...found.map(({ name }) => name),
    ...missing.map((key) => `${key} has a row and no file`),
  ];
}

/** Files that rows name and that are not there, or shorter than the row says; those of a video may still be a draft. */
async function findMissingFiles(dataDir: string): Promise<string[]> {
  const stored = new Set(await listBlobs(dataDir));
  const named = await ask<{ key: string; draft: string | null; offset: number | null }>(
    dataDir,
    `select coalesce(file_key, '') as key, draft_key as draft, "offset" from media left join uploads on media_id = media.id
     union all select picture_key, null, null from profiles where picture_key is not null
     union all select cover_key, null, null from profiles where cover_key is not null`,
  );
  const isThere = ({ key, draft, offset }: (typeof named)[number]): boolean => {
    if (stored.has(key) || offset === 0) return true;
    const found =
      draft === null ? undefined : statSync(join(dataDir, 'uploads', draft), { throwIfNoEntry: false });
    return found !== undefined && found.size >= (offset ?? 0);
  };
  return named.filter((row) => !isThere(row)).map(({ key, draft }) => key || `the draft ${draft}`);
}

/** Stored files that this process holds open; none where the system does not tell. */
export function listOpenFiles(dataDir: string): string[] {
  const descriptors = '/proc/self/fd';
  if (!existsSync(descriptors)) return [];
  return readdirSync(descriptors)
    .map((name) => readTarget(join(descriptors, name)))
    .filter((path) => [`${dataDir}/media/`, `${dataDir}/uploads/`].some((folder) => path.startsWith(folder)));
}

/** Some descriptors are gone by now, and some are no files. */
function readTarget(descriptor: string): string {
  try {
    return readlinkSync(descriptor);
  } catch {
    return '';
  }
}
