// The posts of those whom somebody follows. Of each of these the newest post is looked up; of their posts no more than a page is read,
// however much some say and however long others have been silent.
import type { Reader } from '../../platform/database/database.ts';
import { type ListedPost, listBehind, type Place } from './queries.ts';

interface Wanted {
  profileId: number;
  behind: Place;
  limit: number;
}

/** What was deleted between the two looks leaves a page short, which would be taken for the last. */
const TRIES = 3;

/** Newest first: those of the people whom `profileId` follows, and its own. */
export async function findFollowed(read: Reader, wanted: Wanted): Promise<ListedPost[]> {
  for (let tries = 1; ; tries += 1) {
    const authors = await findAuthors(read, wanted);
    const found = await findPosts(read, { ...wanted, authors });
    if (authors.length < wanted.limit || found.length === wanted.limit || tries === TRIES) return found;
  }
}

interface Author {
  authorId: number;
  /** When their newest post was made, epoch ms. */
  newest: number;
}

async function findPosts(
  read: Reader,
  { authors, ...wanted }: Wanted & { authors: readonly Author[] },
): Promise<ListedPost[]> {
  const { behind, limit } = wanted;
  const listed = listBehind(read, { ...behind, limit });
  // With as many authors as posts are wanted, nothing older than the newest post of each is among these.
  const isFull = authors.length === limit;
  const oldest = isFull ? Math.min(...authors.map(({ newest }) => newest)) : NOTHING;
  const lists = authors
    .filter(({ newest }) => newest > oldest)
    .map(({ authorId }) => listed.where('authorId', '=', authorId).where('createdAt', '>', oldest));
  // Of that very moment there may be posts of others whom it left out.
  if (isFull)
    lists.push(listed.where('createdAt', '=', oldest).where('authorId', 'in', peopleOf(read, wanted)));
  const [first, ...others] = lists.map((list) => read.selectFrom(list.as('own')).selectAll());
  if (!first) return [];
  return others
    .reduce((all, one) => all.unionAll(one), first)
    .orderBy('createdAt', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}

/** The time of somebody's newest post who said nothing. */
const NOTHING = -Number.MAX_SAFE_INTEGER;

const peopleOf = (read: Reader, { profileId }: Pick<Wanted, 'profileId'>) =>
  read
    .selectFrom('follows')
    .select('followedId as authorId')
    .where('followerId', '=', profileId)
    .unionAll(read.selectFrom('profiles').select('id as authorId').where('id', '=', profileId));

/** Those whose newest post is among the newest: nobody else has one on the page, but for one of the same moment. */
async function findAuthors(read: Reader, { profileId, behind, limit }: Wanted): Promise<Author[]> {
  const newest = listBehind(read, { ...behind, limit: 1 })
    .clearSelect()
    .select('posts.createdAt');
  // `where newest is not null` would have each looked up twice.
  const found = await read
    .selectFrom(peopleOf(read, { profileId }).as('people'))
    .select((from) => [
      'authorId',
      from.fn
        .coalesce(newest.whereRef('posts.authorId', '=', from.ref('people.authorId')), from.lit(NOTHING))
        .as('newest'),
    ])
    .orderBy('newest', 'desc')
    .limit(limit)
    .execute();
  return found.filter((author) => author.newest !== NOTHING);
}
