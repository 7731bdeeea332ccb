import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { PostList } from './post-list.tsx';

const SLICE = 10;

/** A list that came whole is drawn in slices: hundreds of cards at once would make a phone stutter. */
export function SlicedPosts({ ids }: { ids: readonly number[] }): JSX.Element {
  const [shown, setShown] = useState(SLICE);
  return (
    <PostList
      ids={ids.slice(0, shown)}
      ended={shown >= ids.length}
      loading={false}
      onMore={() => setShown(shown + SLICE)}
    />
  );
}
