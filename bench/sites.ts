// Fills a database with a site of a given size, straight by SQL: what the benchmarks read and write.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { createApp } from '../src/app.ts';
import { readConfig } from '../src/config.ts';
import { termsOf } from '../src/features/posts/search-terms.ts';
import { createLogger } from '../src/platform/logger.ts';

export interface SiteSize {
  people: number;
  posts: number;
  likesPerPost: number;
  commentsPerPost: number;
  picturesPerPost: number;
}

export interface BenchSite extends AsyncDisposable {
  dataDir: string;
  /** Ids of posts, oldest first. */
  postIds: number[];
}

export const LOGIN = { username: 'bench', password: 'Quiet-Harbour-41' };

const WORDS =
  'river morning light market bread coffee rain garden window boat night song train mountain harbour lamp'.split(
    ' ',
  );

/** Half of the posts hold the word `common`. */
export async function fillSite(size: SiteSize): Promise<BenchSite> {
  const dataDir = await mkdtemp(join(tmpdir(), 'veranda-bench-'));
  const config = readConfig({ PATH: process.env['PATH'], DATA_DIR: dataDir, LOG_LEVEL: 'silent' });
  {
    await using app = await createApp({ config, logger: createLogger('silent') });
    const form = { ...LOGIN, firstName: 'Bench', lastName: 'Mark', email: 'bench@example.org' };
    await app.profiles.signUp({ address: 'bench', form });
  }
  const database = new Sqlite(join(dataDir, 'veranda.db'));
  database.pragma('synchronous = off');
  const postIds = database.transaction(() => fill(database, size))();
  database.exec('analyze');
  database.close();
  return {
    dataDir,
    postIds,
    [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true, force: true }),
  };
}

function fill(database: Sqlite.Database, size: SiteSize): number[] {
  const insertUser = database.prepare(
    `insert into users (username, username_key, email, email_key, first_name, last_name, password_hash, role, created_at)
     values ($name, $name, $name || '@example.org', $name || '@example.org', 'First', $name, 'none', 'user', 1)`,
  );
  const insertProfile = database.prepare('insert into profiles (user_id, created_at) values (?, 1)');
  for (let index = 0; index < size.people; index += 1) {
    insertProfile.run(insertUser.run({ name: `person${index}` }).lastInsertRowid);
  }
  const insertPost = database.prepare(
    `insert into posts (author_id, parent_id, root_id, text, created_at, likes_count, children_count)
     values (?, ?, ?, ?, ?, ?, ?)`,
  );
  const insertLike = database.prepare(
    'insert or ignore into likes (post_id, profile_id, created_at) values (?, ?, 1)',
  );
  const insertMedia = database.prepare(
    `insert into media (owner_id, post_id, position, kind, file_key, created_at, ready_at) values (?, ?, ?, 'picture', ?, 1, 1)`,
  );
  const insertTerms = database.prepare('insert into post_terms (rowid, terms) values (?, ?)');
  const person = (number: number): number => 1 + (number % size.people);
  const begin = Date.now() - size.posts * 60_000;
  const ids: number[] = [];
  for (let index = 0; index < size.posts; index += 1) {
    const words = Array.from({ length: 12 }, (_, place) => WORDS[(index * 7 + place * place) % WORDS.length]);
    const text = `${words.join(' ')}${index % 2 === 0 ? ' common' : ''}`;
    const at = begin + index * 60_000;
    const author = person(index);
    const post = insertPost.run(author, null, null, text, at, size.likesPerPost, size.commentsPerPost);
    const id = Number(post.lastInsertRowid);
    ids.push(id);
    insertTerms.run(id, termsOf(text).join(' '));
    for (let like = 0; like < size.likesPerPost; like += 1) insertLike.run(id, person(index * 13 + like * 7));
    for (let picture = 0; picture < size.picturesPerPost; picture += 1) {
      insertMedia.run(author, id, picture, `pictures/${String(id).padStart(24, '0')}${picture}.jpg`);
    }
    for (let comment = 0; comment < size.commentsPerPost; comment += 1) {
      insertPost.run(
        person(index + comment),
        id,
        id,
        `What a fine thing to read, number ${comment}.`,
        at + comment,
        0,
        0,
      );
    }
  }
  return ids;
}
