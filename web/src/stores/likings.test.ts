import { expect, test } from 'vitest';
import type { Post } from '../wire/shapes.ts';
import { readLikes, withLike } from './likings.ts';

const author = { id: 1, firstname: 'Ann', lastname: 'Lee', profile_picture: '' };
const reply = { id: 3, author, likes: [{ id: 9 }], reply: 'r', pub_date: '' };
const comment = { id: 2, author, likes: [], replyes: [reply], comment: 'c', pub_date: '' };
const post: Post = {
  id: 1,
  auhtor: author,
  media_files: [],
  likes: [{ id: 5 }],
  comments: [comment],
  description: '',
  date_created: '',
};

test('a like lands on the post, the comment or the reply that it names', () => {
  expect(withLike(post, 1, { by: 7, liked: true }).likes).toEqual([{ id: 5 }, { id: 7 }]);
  expect(withLike(post, 2, { by: 7, liked: true }).comments[0]?.likes).toEqual([{ id: 7 }]);
  expect(withLike(post, 3, { by: 7, liked: true }).comments[0]?.replyes[0]?.likes).toEqual([
    { id: 9 },
    { id: 7 },
  ]);
});

test('liking twice is liking once, and unliking takes only the own like', () => {
  const once = withLike(post, 1, { by: 7, liked: true });
  expect(withLike(once, 1, { by: 7, liked: true })).toEqual(once);
  expect(withLike(once, 1, { by: 7, liked: false })).toEqual(post);
});

test('a wish is shown on top of what the server said, and counts once', () => {
  expect(readLikes([{ id: 5 }], 7)).toEqual({ liked: false, count: 1 });
  expect(readLikes([{ id: 5 }], 7, true)).toEqual({ liked: true, count: 2 });
  expect(readLikes([{ id: 5 }, { id: 7 }], 7, true)).toEqual({ liked: true, count: 2 });
  expect(readLikes([{ id: 7 }], 7, false)).toEqual({ liked: false, count: 0 });
});
