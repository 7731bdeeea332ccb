// A person: how they appear, who follows them, what they said.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Skeletons } from '../components/post-list.tsx';
import { ProfileHead } from '../components/profile-head.tsx';
import { SlicedPosts } from '../components/sliced-posts.tsx';
import { Trouble } from '../components/trouble.tsx';
import { useReading, useTitle } from '../hooks.ts';
import { useStore } from '../store.ts';
import { keepPosts } from '../stores/posts.ts';
import { keepOwnProfile, viewer } from '../stores/viewer.ts';
import { fullName } from '../texts/names.ts';
import { WireFailure } from '../wire/failures.ts';
import { getProfile, listPostsOf } from '../wire/profiles.ts';
import type { Profile } from '../wire/shapes.ts';
import { LostView } from './lost-view.tsx';

export function ProfileView({ id }: { id: number }): JSX.Element {
  const own = useStore(viewer).profile;
  const isOwn = own?.id === id;
  const { value, failure, retry } = useReading(`profile ${id}`, () => getProfile(id));
  const [changed, setChanged] = useState<Profile>();
  useEffect(() => {
    if (isOwn && value) keepOwnProfile(value);
  }, [isOwn, value]);
  const profile = [isOwn ? own : changed, value].find((one) => one?.id === id);
  useTitle(profile ? fullName(profile) : 'Profile');
  if (failure instanceof WireFailure && failure.status === 404) return <LostView what="This person" />;
  if (!profile) {
    if (failure !== undefined) return <Trouble failure={failure} retry={retry} />;
    return (
      <div class="column-main" aria-busy="true">
        <Skeletons count={2} />
      </div>
    );
  }
  return (
    <div class="column-main">
      <ProfileHead profile={profile} isOwn={isOwn} onChange={isOwn ? keepOwnProfile : setChanged} />
      <PostsOf key={id} id={id} isOwn={isOwn} />
    </div>
  );
}

function PostsOf({ id, isOwn }: { id: number; isOwn: boolean }): JSX.Element {
  const { value, failure, retry } = useReading(`posts of ${id}`, async () => {
    const askedAt = performance.now();
    const found = await listPostsOf(id);
    keepPosts(found, askedAt);
    return [...found].sort((a, b) => b.date_created.localeCompare(a.date_created)).map((post) => post.id);
  });
  if (failure !== undefined) return <Trouble failure={failure} retry={retry} />;
  if (!value) return <Skeletons count={2} />;
  if (value.length === 0) {
    return <p class="quiet list-end">{isOwn ? 'You have not said anything yet.' : 'Nothing said yet.'}</p>;
  }
  return <SlicedPosts ids={value} />;
}
