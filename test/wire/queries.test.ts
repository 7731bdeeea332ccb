// How much a request asks of the database: the number of statements does not grow with what a page holds, and the hot
// ones find their rows through an index.
import { join as joinPath } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { termsOf } from '../../src/features/posts/search-terms.ts';
import { type Answer, call, join, type Person, say } from '../support/classic-client.ts';
import { listen } from '../support/likes-socket.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { recordStatements as record, type Statement } from '../support/statements.ts';

const POSTS = 100_000;

let server: TestServer;
let ann: Person;

beforeAll(async () => {
  server = await startServer();
  // Its looks at the queue would be counted with the requests.
  await server.app.worker.stop();
  ann = await join(server.base);
  fill(joinPath(server.dataDir, 'veranda.db'));
});
afterAll(() => server[Symbol.asyncDispose]());

const get = (path: string): Promise<Answer> => call(server.base, path, { token: ann.access });

function explain({ text, values }: Statement): string[] {
  const database = new Sqlite(joinPath(server.dataDir, 'veranda.db'), { readonly: true });
  try {
    const lines = database.prepare(`explain query plan ${text}`).all(...values) as { detail: string }[];
    return lines.map(({ detail }) => detail);
  } finally {
    database.close();
  }
}

/** The first statement that has the words. */
const pick = (statements: readonly Statement[], words: RegExp): Statement => {
  const found = statements.find(({ text }) => words.test(text));
  if (!found) throw new Error(`Nothing like ${words} in:\n${statements.map(({ text }) => text).join('\n')}`);
  return found;
};

/** Whole tables that a plan walks through: not lists of values, not its own intermediate rows, not by the full-text index. */
const walks = (plan: readonly string[]): string[] =>
  plan.filter(
    (line) =>
      /^SCAN (?!json_each|thread|listed|found|best|own$|\(subquery)/.test(line) &&
      !/VIRTUAL TABLE INDEX \d+:[M=]/.test(line),
  );
const sorts = (plan: readonly string[]): string[] =>
  plan.filter((line) => line.startsWith('USE TEMP B-TREE'));

describe('a page', () => {
  test('of four posts with twenty likes, five comments, replies and media each is at most eight statements', async () => {
    const full = await record(async () => {
      const { json } = await get('/api/posts/?page=1');
      expect(json).toHaveLength(4);
      for (const post of json) {
        expect(post).toMatchObject({
          likes: { length: 20 },
          comments: { length: 5 },
          media_files: { length: 3 },
        });
        for (const comment of post.comments)
          expect(comment).toMatchObject({ likes: { length: 20 }, replyes: [{ likes: { length: 20 } }] });
      }
    });
    const bare = await record(() => get('/api/posts/?page=2'));
    expect(full.length).toBeLessThanOrEqual(8);
    expect(full.length).toBe(bare.length);
  });

  test('that was shown before is at most two', async () => {
    await get('/api/posts/?page=3');
    expect((await record(() => get('/api/posts/?page=3'))).length).toBeLessThanOrEqual(2);
  });

  test.for([
    ['of an author', '/api/users/user/posts/7/', 200],
    ['of those one follows', '/api/posts/following/?per_page=40', 40],
    ['of search', '/api/posts/post/search?q=word77', 40],
    ['of one post', `/api/posts/post/${POSTS - 2}/`, 1],
    ['for editing', '/api/posts/post/edit/', 1],
  ] as const)('%s is at most nine, however many posts it has', async ([, path, posts]) => {
    const own = path.endsWith('edit/') ? String(await say(server.base, ann, 'own')) : '';
    let found: unknown;
    const statements = await record(async () => {
      found = (await get(path + own)).json;
    });
    expect([found].flat()).toHaveLength(posts);
    expect(statements.length).toBeLessThanOrEqual(9);
  });
});

test('an event is loaded once, however many listen', async () => {
  const count = async (listeners: number): Promise<number> => {
    const postID = await say(server.base, ann, 'heard by many');
    const open = await Promise.all(Array.from({ length: listeners }, () => listen(server.base)));
    const statements = await record(async () => {
      await call(server.base, '/api/posts/post/add/like/', { token: ann.access, body: { postID } });
      for (const listener of open) await listener.until((frame) => frame.post_id === postID);
    });
    for (const listener of open) listener[Symbol.dispose]();
    return statements.length;
  };
  const one = await count(1);
  expect(one).toBeLessThanOrEqual(15);
  expect(await count(20)).toBe(one);
});

describe('among a hundred thousand posts', () => {
  test('the newest and those of an author are read in the order of an index', async () => {
    const feed = explain(pick(await record(() => get('/api/posts/?page=9')), /from "posts".* offset/));
    expect(feed).toEqual(['SEARCH posts USING INDEX posts_newest (created_at<?)']);
    const author = pick(await record(() => get('/api/users/user/posts/7/')), /"author_id" = /);
    expect(explain(author)).toEqual([
      'SEARCH posts USING INDEX posts_of_author (author_id=? AND created_at<?)',
    ]);
  });

  test('those of whom one follows are read a few of each author, by the same index', async () => {
    const statements = await record(async () => {
      expect((await get('/api/posts/following/?per_page=40')).json).toHaveLength(40);
    });
    const authors = explain(pick(statements, /"follows".* union all/));
    const newest = 'SEARCH posts USING INDEX posts_of_author (author_id=? AND created_at<?)';
    // Once for each of the others, and once for oneself.
    expect(authors.filter((line) => line.startsWith('SEARCH posts '))).toEqual([newest, newest]);
    const looksOf = (found: readonly Statement[]): string[] =>
      explain(pick(found, /^select \* from \(select "posts"/)).filter((line) => / posts /.test(line));
    const range = 'SEARCH posts USING INDEX posts_of_author (author_id=? AND created_at>? AND created_at<?)';
    expect(looksOf(statements)).toEqual(Array.from({ length: 40 }, () => range));
    // On a smaller page than there are authors, those of the last moment are looked for among all.
    const fewer = await record(() => get('/api/posts/following/?per_page=20'));
    const moment = 'SEARCH posts USING INDEX posts_newest (created_at=?)';
    expect(looksOf(fewer)).toEqual([...Array.from({ length: 20 }, () => range), moment]);
    expect(walks(authors)).toEqual([]);
  });

  test('search goes through the full-text index', async () => {
    const statements = await record(() => get('/api/posts/post/search?q=word7%20common'));
    const plan = explain(pick(statements, /post_terms match/));
    // Read backwards, so that the newest matches come without sorting all of them.
    const look = expect.stringMatching(/^SCAN post_terms VIRTUAL TABLE INDEX \d+:M/);
    expect(plan.filter((line) => line.startsWith('SCAN post_terms'))).toEqual([look, look]);
    expect(walks(plan)).toEqual([]);
  });

  test('thread, likes, media, people and the session are found by their indexes', async () => {
    const statements = await record(() => get('/api/posts/post/300/'));
    const indexes: [RegExp, RegExp][] = [
      [/"root_id" in/, /^SEARCH posts USING INDEX posts_of_root/],
      [/from "likes"/, /^SEARCH likes USING PRIMARY KEY/],
      [/from "media"/, /^SEARCH media USING INDEX media_of_post/],
      [/from "profiles"/, /^SEARCH profiles USING INTEGER PRIMARY KEY/],
      [/"sessions"/, /^SEARCH sessions USING INTEGER PRIMARY KEY/],
    ];
    for (const [words, index] of indexes) {
      const plan = explain(pick(statements, words));
      expect(
        plan.filter((line) => index.test(line)),
        plan.join('\n'),
      ).toHaveLength(1);
      expect(walks(plan)).toEqual([]);
    }
    expect(sorts(explain(pick(statements, /from "media"/)))).toEqual([]);
  });

  test('no write walks through a table', async () => {
    const post = (path: string, body: object) => (): Promise<Answer> =>
      call(server.base, `/api/posts/post/${path}/`, { token: ann.access, body });
    const id = await say(server.base, ann, 'to be written to');
    await post('add/comment', { postID: id, commentContent: 'first' })();
    const [{ id: commentID }] = (await get(`/api/posts/post/${id}/`)).json.comments;
    const writes = [
      post('create', { description: 'new' }),
      post('create', { description: 'edited', existingPostId: id, deleteImages: [1] }),
      post('add/like', { postID: id }),
      post('add/comment', { postID: id, commentContent: 'x' }),
      post('add/reply', { commentID, commentContent: 'x' }),
      post('add/comment/like', { commentID }),
      () => get(`/api/posts/post/delete/${id}`),
      () => get('/api/users/user/follower/add/5/'),
    ];
    for (const write of writes) {
      let status = 0;
      const statements = await record(async () => {
        ({ status } = (await write()) as Answer);
      });
      expect(status).toBeLessThan(300);
      for (const statement of statements) expect(walks(explain(statement)), statement.text).toEqual([]);
    }
  });

  test('a job is claimed by its index', async () => {
    await using other = await startServer();
    const statements = await record(() => other.app.worker.idle().then(() => other.app.worker.stop()));
    const claims = statements.filter(
      ({ text }) => text.startsWith('update "jobs"') && text.includes('limit'),
    );
    for (const claim of claims) {
      const plan = explain(claim);
      expect(plan).toContain('SCAN jobs USING INDEX jobs_ready');
      expect(sorts(plan)).toEqual([]);
    }
    expect(claims.length).toBeGreaterThan(0);
  });
});

function fill(path: string): void {
  const database = new Sqlite(path);
  database.pragma('synchronous = off');
  database.transaction(() => {
    const count = (name: string, to: number): string =>
      `with recursive ${name}(n) as (select 1 union all select n + 1 from ${name} where n < ${to})`;
    database.exec(`
      insert into users (username, username_key, email, email_key, first_name, last_name, password_hash, role, created_at)
        ${count('people', 40)} select 'p' || n, 'p' || n, n, n, 'Ann', 'Lee', '', 'user', 1 from people;
      insert into profiles (user_id, created_at) select id, 1 from users where password_hash = '';
      insert into follows (follower_id, followed_id, created_at)
        select (select min(id) from profiles), id, 1 from profiles where id > (select min(id) from profiles);
      insert into posts (author_id, text, created_at)
        ${count('numbers', POSTS)} select 1 + n % 40, 'common word' || (n % 1000), n from numbers;`);
    const index = database.prepare('insert into post_terms (rowid, terms) values (?, ?)');
    for (const { id, text } of database.prepare('select id, text from posts').all() as {
      id: number;
      text: string;
    }[])
      index.run(id, termsOf(text).join(' '));
    // The newest four have comments, replies, media and likes; and some old ones, so that there is more to pass over.
    database.exec(`
      create temp table busy as select id from posts where id > ${POSTS - 4} or id < 400;
      insert into posts (author_id, parent_id, root_id, text, created_at)
        ${count('numbers', 5)} select n, id, id, 'comment', 200000 + n from busy, numbers;
      insert into posts (author_id, parent_id, root_id, text, created_at)
        select author_id, id, root_id, 'reply', created_at + 1 from posts where parent_id = root_id;
      insert into likes (post_id, profile_id, created_at)
        ${count('numbers', 20)} select id, n, 1 from posts, numbers where root_id is not null or id in (select id from busy);
      insert into media (owner_id, post_id, kind, file_key, created_at)
        ${count('numbers', 3)} select 1, id, 'picture', 'pictures/' || id, n from busy, numbers;`);
  })();
  database.close();
}
