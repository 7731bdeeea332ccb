// Posts below each other; more come as one scrolls near the end, or by the button.
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { useApproach, useBackOnline } from '../hooks.ts';
import { PostCard } from './post-card.tsx';
import { Trouble } from './trouble.tsx';

export interface PostListProps {
  ids: readonly number[];
  ended: boolean;
  loading: boolean;
  failure?: unknown;
  onMore: () => void;
}

export function PostList({ ids, ended, loading, failure, onMore }: PostListProps): JSX.Element {
  useBackOnline(failure, onMore);
  return (
    <div class="post-list" aria-busy={loading}>
      {ids.map((id) => (
        <PostCard key={id} id={id} />
      ))}
      {loading && <Skeletons count={ids.length === 0 ? 3 : 1} />}
      {failure !== undefined && <Trouble failure={failure} retry={onMore} />}
      {!ended && !loading && failure === undefined && <MoreButton key={ids.length} onMore={onMore} />}
    </div>
  );
}

/** Watches the end of the list anew each time it moved, so that a short page does not stop it. */
function MoreButton({ onMore }: { onMore: () => void }): JSX.Element {
  const ref = useRef<HTMLButtonElement>(null);
  useApproach(ref, onMore, '800px 0px');
  return (
    <button ref={ref} type="button" class="button more" data-testid="show-more" onClick={onMore}>
      Show more
    </button>
  );
}

export function Skeletons({ count }: { count: number }): JSX.Element {
  return (
    <>
      {Array.from({ length: count }, (_, index) => (
        <div key={index} class="card skeleton" aria-hidden="true">
          <span class="bone bone-face" />
          <span class="bone bone-name" />
          <span class="bone bone-line" />
          <span class="bone bone-line bone-short" />
        </div>
      ))}
    </>
  );
}
