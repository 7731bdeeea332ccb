// Whose posts come to whom, compared with the plain rule on generated sites.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertPerson, openTestDatabase, type TestDatabase } from '../../../test/support/databases.ts';
import type { Viewer } from '../users/index.ts';
import { createLists, type Lists } from './lists.ts';
import type { ListedPost } from './queries.ts';

const PEOPLE = 6;

let opened: TestDatabase;
let lists: Lists;
let people: Viewer[];

beforeAll(async () => {
  opened = await openTestDatabase();
  lists = createLists({ database: opened.database, now: () => 0 });
  people = [];
  for (let n = 0; n < PEOPLE; n += 1)
    people.push({ ...(await insertPerson(opened.database, `person${n}`)), sessionId: n, role: 'user' });
});
afterAll(() => opened[Symbol.asyncDispose]());

const person = fc.nat({ max: PEOPLE - 1 });
const site = fc.record({
  viewer: person,
  follows: fc.uniqueArray(
    fc.tuple(person, person).filter(([one, other]) => one !== other),
    {
      selector: String,
      minLength: 6,
      maxLength: 20,
    },
  ),
  // Few times, so that many are the same; one person says most.
  posts: fc.array(
    fc.record({
      author: fc.oneof(person, fc.constant(1)),
      createdAt: fc.integer({ min: -2, max: 6 }),
      isComment: fc.boolean(),
    }),
    { minLength: 8, maxLength: 40 },
  ),
  limit: fc.integer({ min: 1, max: 7 }),
});
type Site = typeof site extends fc.Arbitrary<infer Value> ? Value : never;

/** Answers the posts, without comments. */
async function plant({ follows, posts }: Site): Promise<(ListedPost & { author: number })[]> {
  return opened.database.transaction(async (tx) => {
    await tx.deleteFrom('posts').execute();
    await tx.deleteFrom('follows').execute();
    const profileOf = (n: number): number => people[n]?.profileId ?? 0;
    for (const [follower, followed] of follows)
      await tx
        .insertInto('follows')
        .values({ followerId: profileOf(follower), followedId: profileOf(followed), createdAt: 0 })
        .execute();
    const planted = [];
    let top: number | null = null;
    for (const { author, createdAt, isComment } of posts) {
      const parentId: number | null = isComment ? top : null;
      const { id, version } = await tx
        .insertInto('posts')
        .values({
          authorId: profileOf(author),
          ...{ parentId, rootId: parentId, text: '', createdAt, editedAt: null },
        })
        .returning(['id', 'version'])
        .executeTakeFirstOrThrow();
      top ??= id;
      if (parentId === null) planted.push({ id, version, createdAt, author });
    }
    return planted;
  });
}

test("the posts of those one follows and one's own, page after page, are all of them, newest first, each once", async () => {
  await fc.assert(
    fc.asyncProperty(site, async (generated) => {
      const posts = await plant(generated);
      const { viewer, follows, limit } = generated;
      const isWanted = (author: number): boolean =>
        author === viewer || follows.some(([one, other]) => one === viewer && other === author);
      const wanted = posts
        .filter(({ author }) => isWanted(author))
        .toSorted((one, other) => other.createdAt - one.createdAt || other.id - one.id)
        .map(({ id, version, createdAt }) => ({ id, version, createdAt }));
      const found: ListedPost[] = [];
      for (;;) {
        const page = await lists.followed({
          viewer: people[viewer] as Viewer,
          behind: found.at(-1),
          limit,
        });
        expect(page).toEqual(wanted.slice(found.length, found.length + limit));
        found.push(...page);
        if (page.length < limit) break;
      }
      expect(found).toEqual(wanted);
    }),
    { numRuns: 60 },
  );
});
