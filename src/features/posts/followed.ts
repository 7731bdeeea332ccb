// The posts of those whom somebody follows. Whoever follows thousands reads no more than a page of them, however much the
// others say and however long some have been silent.
import type { Reader } from '../../platform/database/database.ts';
import { type ListedPost, listBehind, type Place } from './queries.ts';

interface Wanted {
  profileId: number;
  behind: Place;
  limit: number;
}

/** Newest first: those of the people whom `profileId` follows, and its own. */
export async function findFollowed(read: Reader, wanted: Wanted): Promise<ListedPost[]> {
  const { behind, limit } = wanted;
  const authors = await findAuthors(read, wanted);
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
const NOTHING = -1;

const peopleOf = (read: Reader, { profileId }: Pick<Wanted, 'profileId'>) =>
  read
    .selectFrom('follows')
    .select('followedId as authorId')
    .where('followerId', '=', profileId)
    .unionAll(read.selectFrom('profiles').select('id as authorId').where('id', '=', profileId));

/** Those whose newest post is among the newest: nobody else has one on the page, but for one of the same moment. */
async function findAuthors(
  read: Reader,
  { profileId, behind, limit }: Wanted,
): Promise<{ authorId: number; newest: number }[]> {
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
