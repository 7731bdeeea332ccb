// Like and unlike of a post, a comment or a reply.
import type { JSX } from 'preact';
import { path, navigate } from '../location.ts';
import { signInPath } from '../routes.ts';
import { useShelved, useStore } from '../store.ts';
import { readLikes } from '../stores/likings.ts';
import { setLiked, wishes } from '../stores/posts.ts';
import { viewer } from '../stores/viewer.ts';
import { countOf } from '../texts/names.ts';
import type { Liker } from '../wire/shapes.ts';
import { Icon } from './icons.tsx';

export interface LikeButtonProps {
  postId: number;
  /** The post itself, or a comment or reply in it. */
  target: { id: number; likes: readonly Liker[] };
  testid: 'like' | 'comment-like' | 'reply-like';
}

export function LikeButton({ postId, target, testid }: LikeButtonProps): JSX.Element {
  const { profile, signedIn } = useStore(viewer);
  const wish = useShelved(wishes, target.id);
  const { liked, count } = readLikes(target.likes, profile?.id, wish);
  const press = (): void => {
    if (signedIn) void setLiked(postId, target.id, !liked);
    else navigate(signInPath(path.get()));
  };
  return (
    <button
      type="button"
      class="action like"
      data-testid={testid}
      aria-pressed={liked}
      aria-label={`Like, ${countOf(count, 'like', 'likes')}`}
      onClick={press}
    >
      <Icon name="heart" />
      <span class="count" data-testid={testid === 'like' ? 'like-count' : `${testid}-count`}>
        {count}
      </span>
    </button>
  );
}
