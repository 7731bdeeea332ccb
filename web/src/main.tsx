// Entry: one page, one socket, one upload queue.
import { render } from 'preact';
import { App } from './app.tsx';
import { followLocation } from './location.ts';
import { everybody, followed, offerNew, resetFeeds, takeOut } from './stores/feed.ts';
import { tell } from './stores/notices.ts';
import { followLive, forgetAllPosts, isStale, refreshPost, settlePost } from './stores/posts.ts';
import { readSite } from './stores/site.ts';
import { viewer } from './stores/viewer.ts';
import { startQueue } from './uploads/queue.ts';
import { onSessionEnd } from './wire/requests.ts';
import './styles/base.css';
import './styles/pictures.css';
import './styles/bars.css';
import './styles/columns.css';
import './styles/floating.css';
import './styles/porch.css';
import './styles/forms.css';
import './styles/posts.css';
import './styles/comments.css';
import './styles/profile.css';

/** Cards in sight that are read again at once after a gap; the rest when they come into view. */
const MOST_REREADS = 20;

followLocation();
void readSite().catch(() => undefined);
followLive({
  onUnknown(post) {
    const { signedIn, profile } = viewer.get();
    if (signedIn && profile?.id !== post.auhtor.id) offerNew(post);
  },
  onGone: takeOut,
  onGap: catchUp,
});
startQueue({
  onDone(transfer) {
    void settlePost(transfer.postId, performance.now());
    if (transfer.kind === 'video') tell('Your video has arrived. It is being prepared.');
  },
});

onSessionEnd(() => tell('Your session has ended. Please sign in again.'));

let lastViewerId = viewer.get().profile?.id;
viewer.subscribe(() => {
  const { signedIn, profile } = viewer.get();
  if (signedIn && (!profile || profile.id === lastViewerId)) return;
  if (signedIn && lastViewerId === undefined) {
    lastViewerId = profile?.id;
    return;
  }
  // Somebody else, or nobody: nothing of the last person stays.
  lastViewerId = profile?.id;
  forgetAllPosts();
  resetFeeds();
});

const root = document.querySelector('#app');
if (root) render(<App />, root);

function catchUp(): void {
  const cards = [...document.querySelectorAll<HTMLElement>('[data-post-id]')].filter(isNearViewport);
  for (const card of cards.slice(0, MOST_REREADS)) {
    const id = Number(card.dataset['postId']);
    if (isStale(id)) void refreshPost(id).catch(() => false);
  }
  if (viewer.get().signedIn) for (const feed of [everybody, followed]) void feed.lookForNew();
}

function isNearViewport(element: Element): boolean {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > -300 && top < innerHeight + 300;
}
