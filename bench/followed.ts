// A page of those one follows, on a site of 10,001 people with 500,000 posts: for somebody who follows all of them, 300, nobody. On
// SQLite and on PostgreSQL; the best of twenty, in milliseconds.
//   node bench/followed.ts
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { readConfig } from '../src/config.ts';
import { createLists } from '../src/features/posts/lists.ts';
import type { Database } from '../src/platform/database/database.ts';
import { migrate } from '../src/platform/database/migrate.ts';
import { openDatabase } from '../src/platform/database/open.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { print, row } from './processes.ts';

const PEOPLE = 10_001;
const POSTS = 500_000;
const PAGES = [5, 41];
const ROUNDS = 20;

const countTo = (most: number): string =>
  `with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${most})`;
const site = [
  `insert into users (username, username_key, email, email_key, first_name, last_name, password_hash, role, created_at)
    ${countTo(PEOPLE)} select 'p' || n, 'p' || n, 'p' || n, 'p' || n, 'Ann', 'Lee', '', 'user', 1 from numbers`,
  'insert into profiles (user_id, created_at) select id, 1 from users order by id',
  `insert into posts (author_id, text, created_at) ${countTo(POSTS)}
    select (select min(id) from profiles) + (n * cast(7919 as bigint)) % ${PEOPLE}, '', n from numbers`,
  `insert into follows (follower_id, followed_id, created_at)
    select first, id, 1 from profiles, (select min(id) as first from profiles) as people where id > first`,
  `insert into follows (follower_id, followed_id, created_at)
    select first + 1, id, 1 from profiles, (select min(id) as first from profiles) as people
    where id between first + 10 and first + 309`,
];

async function measure(engine: string, database: Database): Promise<void> {
  await migrate(database, Date.now);
  await database.transaction(async (tx) => {
    for (const statement of site) await sql.raw(statement).execute(tx);
  });
  await database.transaction(async (tx) => void (await sql.raw('analyze').execute(tx)));
  const lists = createLists({ database, now: Date.now });
  const { first } = await database.read
    .selectFrom('profiles')
    .select((from) => from.fn.min<number>('id').as('first'))
    .executeTakeFirstOrThrow();
  for (const [follows, place] of [
    ['10,000', 0],
    ['300', 1],
    ['0', 2],
  ] as const) {
    const viewer = { userId: 0, profileId: Number(first) + place, sessionId: 0, role: 'user' } as const;
    const times: string[] = [];
    for (const limit of PAGES) {
      let best = Infinity;
      for (let round = 0; round < ROUNDS; round += 1) {
        const begun = performance.now();
        await lists.followed({ viewer, limit });
        best = Math.min(best, performance.now() - begun);
      }
      times.push(best.toFixed(1));
    }
    print(row([engine, follows, ...times]));
  }
}

print(row(['engine', 'follows', ...PAGES.map((posts) => `${posts} posts, ms`)]));
print(row(['---', '---:', ...PAGES.map(() => '---:')]));
const folder = await mkdtemp(join(tmpdir(), 'veranda-bench-'));
await using cluster = await startPostgres();
try {
  for (const [engine, place] of [
    ['SQLite', {}],
    ['PostgreSQL', { DATABASE_URL: cluster.url }],
  ] as const) {
    const { database: settings } = readConfig({ DATA_DIR: folder, ...place });
    await using database = await openDatabase(settings, (error) => {
      throw error;
    });
    await measure(engine, database);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
