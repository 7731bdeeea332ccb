// A person: how they appear, who follows them, what they said.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { PostList, Skeletons } from '../components/post-list.tsx';
import { ProfileHead } from '../components/profile-head.tsx';
import { Trouble } from '../components/trouble.tsx';
import { useReading, useTitle } from '../hooks.ts';
import { useStore } from '../store.ts';
import { createFeed } from '../stores/feed.ts';
import { keepOwnProfile, viewer } from '../stores/viewer.ts';
import { fullName } from '../texts/names.ts';
import { WireFailure } from '../wire/failures.ts';
import { postsOf } from '../wire/posts.ts';
import { getProfile } from '../wire/profiles.ts';
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
  const [feed] = useState(() => createFeed(postsOf(id)));
  const { ids, next, loading, failure } = useStore(feed.state);
  useEffect(() => void feed.begin(), []);
  const ended = next === undefined;
  return (
    <>
      <PostList {...{ ids, ended, loading, failure }} onMore={() => void feed.loadMore()} />
      {ended && !loading && ids.length === 0 && (
        <p class="quiet list-end">{isOwn ? 'You have not said anything yet.' : 'Nothing said yet.'}</p>
      )}
    </>
  );
}
