// Every post this page has read, by id. Frames from the socket change known posts; who offers new ones is told
// of the others. A read that was on its way when a frame came in is dropped: the frame is at least as new. What
// the page does itself is shown at once (`wishes`) and then confirmed by a frame, or by a read where none comes.
import { createShelf } from '../store.ts';
import { WireFailure } from '../wire/failures.ts';
import { getPost, setLiked as sendLike } from '../wire/posts.ts';
import type { Post } from '../wire/shapes.ts';
import { openLiveSocket, type LiveSocket } from '../wire/socket.ts';
import { withLike } from './likings.ts';
import { tellTrouble } from './notices.ts';
import { viewer } from './viewer.ts';

export const posts = createShelf<Post>();
/** Likes on their way, by the id of post, comment or reply. */
export const wishes = createShelf<boolean>();

/** When each post was last heard of, on the page's own clock. */
const heardAt = new Map<number, number>();
const FRAME_PATIENCE_MS = 1500;
let socket: LiveSocket | undefined;
let gapEndedAt = 0;

export interface LiveEvents {
  /** A post that this page does not know: a new one, or one that something came to. */
  onUnknown(post: Post): void;
  onGone(id: number): void;
  /** Frames may have been lost. */
  onGap(): void;
}

/** Call once. */
export function followLive(on: LiveEvents): void {
  socket = openLiveSocket({
    onPost(post) {
      if (posts.get(post.id)) keep(post);
      else on.onUnknown(post);
    },
    onGone(id) {
      forgetPost(id);
      on.onGone(id);
    },
    onGap() {
      gapEndedAt = performance.now();
      on.onGap();
    },
  });
}

export function isLive(): boolean {
  return socket?.isOpen() ?? false;
}

export function keepPosts(read: readonly Post[], askedAt: number): void {
  for (const post of read) {
    if ((heardAt.get(post.id) ?? -1) <= askedAt) keep(post);
  }
}

/** Reads a post again; one that is gone leaves the page. Answers whether it is there. */
export async function refreshPost(id: number): Promise<boolean> {
  const askedAt = performance.now();
  try {
    keepPosts([await getPost(id)], askedAt);
    return true;
  } catch (error) {
    if (!(error instanceof WireFailure) || error.status !== 404) throw error;
    forgetPost(id);
    return false;
  }
}

/** Was this post last heard of before frames may have been lost? */
export function isStale(id: number): boolean {
  return gapEndedAt > 0 && (heardAt.get(id) ?? 0) < gapEndedAt;
}

export function forgetPost(id: number): void {
  heardAt.delete(id);
  posts.set(id, undefined);
}

export function forgetAllPosts(): void {
  heardAt.clear();
  posts.clear();
  wishes.clear();
}

/** After an own action: wait a little for its frame, then read, so that the page is right without a socket too. */
export async function settlePost(id: number, actedAt: number): Promise<void> {
  const heard = isLive() && (await hearsOf(id, actedAt));
  if (!heard) await refreshPost(id).catch(() => false);
}

/**
 * Shows the like at once and sends it. Pressing again while it is under way only changes the wish; the last
 * wish wins.
 */
export async function setLiked(postId: number, targetId: number, liked: boolean): Promise<void> {
  const underWay = wishes.get(targetId) !== undefined;
  wishes.set(targetId, liked);
  if (underWay) return;
  const actedAt = performance.now();
  try {
    await sendWishes(postId, targetId);
  } catch (error) {
    wishes.set(targetId, undefined);
    tellTrouble(error, () => void setLiked(postId, targetId, liked));
  }
  await settlePost(postId, actedAt);
}

async function sendWishes(postId: number, targetId: number): Promise<void> {
  for (;;) {
    const liked = wishes.get(targetId) ?? false;
    await sendLike(targetId, liked);
    if (wishes.get(targetId) !== liked) continue;
    const post = posts.get(postId);
    const by = viewer.get().profile?.id;
    if (post && by !== undefined) posts.set(postId, withLike(post, targetId, { by, liked }));
    wishes.set(targetId, undefined);
    return;
  }
}

function keep(post: Post): void {
  heardAt.set(post.id, performance.now());
  posts.set(post.id, post);
}

function hearsOf(id: number, since: number): Promise<boolean> {
  const heard = (): boolean => (heardAt.get(id) ?? -1) > since;
  if (heard()) return Promise.resolve(true);
  return new Promise((resolve) => {
    const finish = (): void => {
      if (!heard() && performance.now() - since < FRAME_PATIENCE_MS) return;
      clearTimeout(timer);
      stop();
      resolve(heard());
    };
    const stop = posts.subscribe(id, finish);
    const timer = setTimeout(finish, FRAME_PATIENCE_MS + 5);
  });
}
