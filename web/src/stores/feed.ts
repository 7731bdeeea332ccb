// Lists of posts that go on and on: ids in the order of the server, newest first, read page after page as one scrolls.
import { createStore, type Store } from '../store.ts';
import { EVERYBODY, FOLLOWED, readPage } from '../wire/posts.ts';
import type { Page } from '../wire/requests.ts';
import type { Post } from '../wire/shapes.ts';
import { keepPosts, posts } from './posts.ts';

export interface FeedState {
  ids: readonly number[];
  /** Posts of others that came while the page was open, not shown until asked for. */
  newIds: readonly number[];
  /** There are more between these and those that are shown: where they are. */
  newNext?: string | undefined;
  /** The page that is read next; absent at the end. */
  next: string | undefined;
  loading: boolean;
  failure?: unknown;
}

export interface Feed {
  state: Store<FeedState>;
  /** Reads the first page, unless it is there already. */
  begin: () => Promise<void>;
  loadMore: () => Promise<void>;
  /** Looks for posts newer than those shown and offers them. Silent when it fails. */
  lookForNew: () => Promise<void>;
  /** Offers a post that was just made, if it is newer than what is shown. */
  offer: (post: Post) => void;
  showNew: () => void;
  reset: () => void;
}

/** Pages that are looked through for what is known, after a long time away. */
const MOST_NEW_PAGES = 4;

/** `first`: the address of the first page. */
export function createFeed(first: string): Feed {
  const empty: FeedState = { ids: [], newIds: [], next: first, loading: false };
  const state = createStore(empty);
  /** Which reading this is; answers for an earlier one are dropped. */
  let epoch = 0;
  const patch = (change: Partial<FeedState>): void => state.set({ ...state.get(), ...change });
  const hasBegun = (): boolean => state.get().next !== first;

  /** Reads on until there is something that is not known. */
  async function loadMore(): Promise<void> {
    const own = epoch;
    if (state.get().loading) return;
    patch({ loading: true, failure: undefined });
    try {
      for (let { next } = state.get(), fresh: number[] = []; next !== undefined && fresh.length === 0;) {
        const askedAt = performance.now();
        const page = await readPage(next);
        if (own !== epoch) return;
        keepPosts(page.items, askedAt);
        fresh = unknownOf(page.items);
        ({ next } = page);
        patch({ ids: [...state.get().ids, ...fresh], next });
      }
      patch({ loading: false });
    } catch (failure) {
      if (own === epoch) patch({ loading: false, failure });
    }
  }

  async function lookForNew(): Promise<void> {
    const own = epoch;
    const found: number[] = [];
    let next: string | undefined = first;
    for (let count = 0; hasBegun() && next !== undefined && count < MOST_NEW_PAGES; count += 1) {
      const askedAt = performance.now();
      const page: Page<Post> | undefined = await readPage(next).catch(() => undefined);
      if (!page || own !== epoch) return;
      keepPosts(page.items, askedAt);
      const unknown = unknownOf(page.items);
      found.push(...unknown);
      next = unknown.length < page.items.length ? undefined : page.next;
    }
    const { newIds } = state.get();
    // What was offered before is behind the gap, too.
    if (next !== undefined && hasBegun()) patch({ newIds: found, newNext: next });
    else patch({ newIds: [...found, ...newIds] });
  }

  function unknownOf(page: readonly Post[]): number[] {
    const { ids, newIds } = state.get();
    const known = new Set([...ids, ...newIds]);
    return page.map((post) => post.id).filter((id) => !known.has(id) && posts.get(id));
  }

  return {
    ...{ state, loadMore, lookForNew },
    begin: async () => {
      if (!hasBegun()) await loadMore();
    },
    offer(post) {
      const { ids, newIds } = state.get();
      const [newest] = [...newIds, ...ids].flatMap((id) => posts.get(id) ?? []);
      if (!hasBegun() || (newest && newest.date_created >= post.date_created)) return;
      keepPosts([post], performance.now());
      patch({ newIds: [post.id, ...newIds] });
    },
    showNew() {
      const { ids, newIds, newNext, next } = state.get();
      const shown =
        newNext === undefined ? { ids: [...newIds, ...ids], next } : { ids: newIds, next: newNext };
      patch({ ...shown, newIds: [], newNext: undefined });
    },
    reset() {
      epoch += 1;
      state.set(empty);
    },
  };
}

export const everybody = createFeed(EVERYBODY);
/** Those one follows, and oneself. */
export const followed = createFeed(FOLLOWED);
const feeds = [everybody, followed];

export function resetFeeds(): void {
  for (const feed of feeds) feed.reset();
}

/** One's own, just made: it is in both. */
export function putOnTop(id: number): void {
  takeOut(id);
  for (const { state } of feeds) state.set({ ...state.get(), ids: [id, ...state.get().ids] });
}

/** After a deletion. */
export function takeOut(id: number): void {
  const others = (ids: readonly number[]): number[] => ids.filter((other) => other !== id);
  for (const { state } of feeds) {
    const { ids, newIds } = state.get();
    state.set({ ...state.get(), ids: others(ids), newIds: others(newIds) });
  }
}

/** Of those one follows only the server knows; many pages hear of a post at once, and do not all ask at once. */
const LOOK_WITHIN_MS = 4_000;
let looking: ReturnType<typeof setTimeout> | undefined;
/** When the newest post that was heard of was made. */
let newestHeard = '';

/** A post of somebody else that this page has just heard of: a new one, or an old one that something came to. */
export function offerNew(post: Post): void {
  everybody.offer(post);
  if (post.date_created <= newestHeard) return;
  newestHeard = post.date_created;
  looking ??= setTimeout(() => {
    looking = undefined;
    void followed.lookForNew();
  }, Math.random() * LOOK_WITHIN_MS);
}
