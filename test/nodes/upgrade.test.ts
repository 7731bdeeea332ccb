// A rolling upgrade: the first new node brings the tables up to its version while nodes of the version before serve on them.
import { expect, test, vi } from 'vitest';
import { newestSchema } from '../../src/platform/database/migrate.ts';
import { call, join, type Person, say } from '../support/classic-client.ts';
import { ask, look, onPostgres } from '../support/engines.ts';
import { spawnServer, startServer } from '../support/servers.ts';

vi.setConfig({ testTimeout: 60_000 });

/** What a migration may do while older programs run: tables and columns come, none go, and what is written without them is right. */
const MIGRATION = [
  'alter table posts add column mood text',
  'alter table users add column motto text',
  'alter table profiles add column colour integer not null default 7',
  'alter table sessions add column device text',
  'alter table uploads add column speed integer',
  'alter table media add column alt text',
  'alter table jobs add column hint text',
  `create table moods (id ${onPostgres ? 'bigint generated always as identity' : 'integer'} primary key, name text not null)`,
  'create index posts_mood on posts (mood)',
];

/** Begun again where it met a request that waits for it, as PostgreSQL ends one of the two. */
async function migrateForward(dataDir: string): Promise<void> {
  for (;;) {
    try {
      return await look(dataDir, async (run) => {
        for (const statement of MIGRATION) await run(statement);
        await run('insert into schema_migrations (number, applied_at) values (?, ?)', newestSchema() + 1, 0);
      });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === '40P01')) throw error;
    }
  }
}

test('a node of the version before serves on, without one failed request, while the tables change under load', async () => {
  await using server = await startServer();
  const { base, dataDir } = server;
  const people = await Promise.all(Array.from({ length: 3 }, () => join(base)));
  const failures: string[] = [];
  let done = 0;
  let isOver = false;

  async function live(person: Person): Promise<void> {
    const { access: token, id } = person;
    let { refresh } = person;
    const request = async (path: string, options: Parameters<typeof call>[2] = {}) => {
      const { status, json } = await call(base, path, { token, ...options });
      if (status >= 400) failures.push(`${path}: ${status} ${JSON.stringify(json)}`);
      done += 1;
      return json;
    };
    while (!isOver) {
      const postID = await say(base, person, 'in between');
      await request('/api/posts/post/add/like/', { body: { postID } });
      await request('/api/posts/post/add/comment/', {
        body: { postID, authorID: id, commentContent: 'too' },
      });
      await request('/api/posts/?page=1');
      await request('/api/posts/post/search?q=between');
      await request(`/api/users/user/${id}/`);
      await request('/api/users/author/');
      refresh = (await request('/api/users/user/token/refresh/', { body: { refresh } })).refresh;
    }
  }

  const crowd = people.map(live);
  const reach = async (count: number): Promise<void> => {
    const goal = done + count;
    await expect.poll(() => done, { timeout: 30_000, interval: 10 }).toBeGreaterThan(goal);
  };
  await reach(60);
  await migrateForward(dataDir);
  await reach(120);
  isOver = true;
  await Promise.all(crowd);
  expect(failures).toEqual([]);
  const rows = await ask<{ colour: number }>(dataDir, 'select colour from profiles');
  expect(rows.every(({ colour }) => colour === 7)).toBe(true);
  expect((await fetch(`${base}/ready`)).status).toBe(200);

  const settings = { DATA_DIR: dataDir, LOG_LEVEL: 'warn' };
  await expect(spawnServer(settings)).rejects.toThrow(/start a newer version of Veranda/);
});
