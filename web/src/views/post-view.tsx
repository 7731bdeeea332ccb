import type { JSX } from 'preact';
import { PostCard } from '../components/post-card.tsx';
import { Skeletons } from '../components/post-list.tsx';
import { Trouble } from '../components/trouble.tsx';
import { useReading, useTitle } from '../hooks.ts';
import { useShelved } from '../store.ts';
import { posts, refreshPost } from '../stores/posts.ts';
import { fullName } from '../texts/names.ts';
import { LostView } from './lost-view.tsx';

export function PostView({ id }: { id: number }): JSX.Element {
  const post = useShelved(posts, id);
  const reading = useReading(`post ${id}`, () => refreshPost(id));
  useTitle(post ? `${fullName(post.auhtor)}: ${post.description.slice(0, 60)}` : 'Post');
  if (post) {
    return (
      <div class="column-main">
        <h1 class="unseen">Post by {fullName(post.auhtor)}</h1>
        <PostCard id={id} opened />
      </div>
    );
  }
  if (reading.failure !== undefined) return <Trouble failure={reading.failure} retry={reading.retry} />;
  if (reading.value !== undefined) return <LostView what="This post" />;
  return (
    <div class="column-main" aria-busy="true">
      <Skeletons count={1} />
    </div>
  );
}
