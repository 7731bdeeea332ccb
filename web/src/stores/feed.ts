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
  /** One's own, just made. */
  putOnTop: (id: number) => void;
  /** After a deletion. */
  takeOut: (id: number) => void;
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
  let looking: Promise<void> | undefined;
  /** Of pages that were read one behind the other: what is behind one of these is known, or is where `next` leads. */
  const paged = new Set<number>();
  const patch = (change: Partial<FeedState>): void => state.set({ ...state.get(), ...change });
  const hasBegun = (): boolean => state.get().next !== first;

  /** Reads on until there is something that is not known. */
  async function loadMore(): Promise<void> {
    const own = epoch;
    if (state.get().loading) return;
    patch({ loading: true, failure: undefined });
    try {
      for (let { next } = state.get(), fresh: number[] = []; next !== undefined && fresh.length === 0;) {
        const page = await read(next, own);
        if (!page) return;
        fresh = unknownOf(page.items);
        for (const { id } of page.items) paged.add(id);
        ({ next } = page);
        patch({ ids: [...state.get().ids, ...fresh], next });
      }
      patch({ loading: false });
    } catch (failure) {
      if (own === epoch) patch({ loading: false, failure });
    }
  }

  async function look(): Promise<void> {
    const own = epoch;
    const found: Post[] = [];
    let next: string | undefined = first;
    for (let count = 0; hasBegun() && next !== undefined && count < MOST_NEW_PAGES; count += 1) {
      const page: Page<Post> | undefined = await read(next, own).catch(() => undefined);
      if (!page) return;
      found.push(...page.items);
      next = page.items.some(({ id }) => paged.has(id)) ? undefined : page.next;
    }
    if (!hasBegun()) return;
    const unknown = unknownOf(found);
    for (const { id } of found) paged.add(id);
    // What was offered before is behind the gap, too.
    if (next === undefined) patch({ newIds: newestFirst([...unknown, ...state.get().newIds]) });
    else patch({ newIds: newestFirst(found.map(({ id }) => id)), newNext: next });
  }

  /** Undefined for an answer that came too late. */
  async function read(path: string, own: number): Promise<Page<Post> | undefined> {
    const askedAt = performance.now();
    const page = await readPage(path);
    if (own !== epoch) return undefined;
    keepPosts(page.items, askedAt);
    return page;
  }

  function unknownOf(page: readonly Post[]): number[] {
    const { ids, newIds } = state.get();
    const known = new Set([...ids, ...newIds]);
    return page.map((post) => post.id).filter((id) => !known.has(id) && posts.get(id));
  }

  return {
    ...{ state, loadMore },
    begin: async () => {
      if (!hasBegun()) await loadMore();
    },
    lookForNew: () => (looking ??= look().finally(() => (looking = undefined))),
    offer(post) {
      const { ids, newIds } = state.get();
      const [newest] = [...newIds, ...ids].flatMap((id) => posts.get(id) ?? []);
      if (!hasBegun() || (newest && newest.date_created >= post.date_created)) return;
      keepPosts([post], performance.now());
      patch({ newIds: [post.id, ...newIds] });
    },
    putOnTop(id) {
      takeOut(id);
      // The first page brings it, unless that is on its way already.
      if (hasBegun() || state.get().loading) patch({ ids: [id, ...state.get().ids] });
    },
    takeOut,
    showNew() {
      const { ids, newIds, newNext } = state.get();
      if (newNext === undefined) return patch({ ids: [...newIds, ...ids], newIds: [] });
      // The list begins anew, and what was asked for at the end of the old one has no place in it.
      epoch += 1;
      paged.clear();
      for (const id of newIds) paged.add(id);
      patch({ ids: newIds, newIds: [], next: newNext, newNext: undefined, loading: false });
    },
    reset() {
      epoch += 1;
      paged.clear();
      state.set(empty);
    },
  };

  function takeOut(id: number): void {
    const others = (ids: readonly number[]): number[] => ids.filter((other) => other !== id);
    const { ids, newIds } = state.get();
    patch({ ids: others(ids), newIds: others(newIds) });
  }
}

function newestFirst(ids: readonly number[]): number[] {
  const madeAt = (id: number): string => posts.get(id)?.date_created ?? '';
  return [...new Set(ids)].sort((a, b) => madeAt(b).localeCompare(madeAt(a)) || b - a);
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
  for (const feed of feeds) feed.putOnTop(id);
}

export function takeOut(id: number): void {
  for (const feed of feeds) feed.takeOut(id);
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
