import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { Avatar } from '../components/avatar.tsx';
import { Composer } from '../components/composer.tsx';
import { Icon } from '../components/icons.tsx';
import { PostList } from '../components/post-list.tsx';
import { useTitle } from '../hooks.ts';
import { profilePath } from '../routes.ts';
import { useStore } from '../store.ts';
import { everybody, followed } from '../stores/feed.ts';
import { viewer } from '../stores/viewer.ts';
import { countOf, fullName } from '../texts/names.ts';
import type { Profile } from '../wire/shapes.ts';

const FEEDS = {
  everybody: { feed: everybody, nothing: 'Nobody has said anything yet. Be the first.' },
  followed: {
    feed: followed,
    nothing: 'What the people say whom you follow stands here. Find some among everybody.',
  },
};

export function FeedView({ of }: { of: keyof typeof FEEDS }): JSX.Element {
  useTitle(of === 'followed' ? 'Following' : '');
  const { profile } = useStore(viewer);
  const { feed, nothing } = FEEDS[of];
  const { ids, newIds, next, loading, failure } = useStore(feed.state);
  useEffect(() => void feed.begin(), []);
  const reveal = (): void => {
    feed.showNew();
    scrollTo({ top: 0, behavior: 'smooth' });
  };
  const ended = next === undefined;
  return (
    <div class="columns">
      <h1 class="unseen">{of === 'followed' ? 'Following' : 'Home'}</h1>
      <div class="column-main">
        {profile && <Composer key={profile.id} author={profile} />}
        <nav class="feed-choice" aria-label="Whose posts">
          <a href="/" aria-current={of === 'everybody' ? 'page' : undefined}>
            Everybody
          </a>
          <a href="/following" data-testid="followed" aria-current={of === 'followed' ? 'page' : undefined}>
            Following
          </a>
        </nav>
        {newIds.length > 0 && (
          <button type="button" class="button new-posts" data-testid="new-posts" onClick={reveal}>
            <Icon name="up" />
            {countOf(newIds.length, 'new post', 'new posts')}
          </button>
        )}
        <PostList {...{ ids, ended, loading, failure }} onMore={() => void feed.loadMore()} />
        {ended && !loading && (
          <p class="quiet list-end">{ids.length === 0 ? nothing : 'That is all there is.'}</p>
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
