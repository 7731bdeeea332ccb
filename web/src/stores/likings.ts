// Like and unlike as pure changes of a post, for the post itself, a comment or a reply (one id space).
import type { Liker, Post } from '../wire/shapes.ts';

interface Liked {
  id: number;
  likes: readonly Liker[];
}

export function withLike(post: Post, targetId: number, like: { by: number; liked: boolean }): Post {
  const change = <Target extends Liked>(target: Target): Target => changeOne(target, targetId, like);
  const comments = post.comments.map((comment) => ({
    ...change(comment),
    replyes: comment.replyes.map(change),
  }));
  return { ...change(post), comments };
}

export interface LikeState {
  liked: boolean;
  count: number;
}

/** What to show: what the server last said, with a wish that it has not confirmed yet on top. */
export function readLikes(likes: readonly Liker[], viewerId: number | undefined, wish?: boolean): LikeState {
  const said = viewerId !== undefined && likes.some((liker) => liker.id === viewerId);
  const liked = wish ?? said;
  return { liked, count: likes.length + Number(liked) - Number(said) };
}

function changeOne<Target extends Liked>(
  target: Target,
  targetId: number,
  like: { by: number; liked: boolean },
): Target {
  if (target.id !== targetId) return target;
  const others = target.likes.filter((liker) => liker.id !== like.by);
  return { ...target, likes: like.liked ? [...others, { id: like.by }] : others };
}
