import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { Avatar } from '../components/avatar.tsx';
import { Composer } from '../components/composer.tsx';
import { Icon } from '../components/icons.tsx';
import { PostList } from '../components/post-list.tsx';
import { useTitle } from '../hooks.ts';
import { profilePath } from '../routes.ts';
import { useStore } from '../store.ts';
import { feed, loadMore, showNew } from '../stores/feed.ts';
import { viewer } from '../stores/viewer.ts';
import { countOf, fullName } from '../texts/names.ts';
import type { Profile } from '../wire/shapes.ts';

export function FeedView(): JSX.Element {
  useTitle('');
  const { profile } = useStore(viewer);
  const now = useStore(feed);
  useEffect(() => {
    if (feed.get().ids.length === 0) void loadMore();
  }, []);
  const reveal = (): void => {
    showNew();
    scrollTo({ top: 0, behavior: 'smooth' });
  };
  return (
    <div class="columns">
      <h1 class="unseen">Home</h1>
      <div class="column-main">
        {profile && <Composer key={profile.id} author={profile} />}
        {now.newIds.length > 0 && (
          <button type="button" class="button new-posts" data-testid="new-posts" onClick={reveal}>
            <Icon name="up" />
            {countOf(now.newIds.length, 'new post', 'new posts')}
          </button>
        )}
        <PostList {...now} onMore={() => void loadMore()} />
        {now.ended && (
          <p class="quiet list-end">
            {now.ids.length === 0 ? 'Nobody has said anything yet. Be the first.' : 'That is all there is.'}
          </p>
        )}
      </div>
      {profile && <OwnCard profile={profile} />}
    </div>
  );
}

function OwnCard({ profile }: { profile: Profile }): JSX.Element {
  return (
    <aside class="column-side">
      <a class="card own-card" href={profilePath(profile.id)}>
        <Avatar person={profile} size="medium" />
        <span>
          <strong>{fullName(profile)}</strong>
          <span class="quiet">@{profile.username}</span>
          <span class="quiet">{countOf(profile.followers.length, 'follower', 'followers')}</span>
        </span>
      </a>
    </aside>
  );
}
