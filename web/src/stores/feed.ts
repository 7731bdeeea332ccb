// The feed's ids in the order of the server, newest first. Pages are asked for by number and may shift while
// one reads, so known ids are skipped; the first empty page is the end.
import { createStore } from '../store.ts';
import { listFeed } from '../wire/posts.ts';
import type { Post } from '../wire/shapes.ts';
import { keepPosts, posts } from './posts.ts';

export interface Feed {
  ids: readonly number[];
  /** Posts of others that came while the page was open, not shown until asked for. */
  newIds: readonly number[];
  nextPage: number;
  ended: boolean;
  loading: boolean;
  failure?: unknown;
}

const EMPTY: Feed = { ids: [], newIds: [], nextPage: 1, ended: false, loading: false };

export const feed = createStore<Feed>(EMPTY);

/** Which reading this is; answers for an earlier one are dropped. */
let epoch = 0;

export function resetFeed(): void {
  epoch += 1;
  feed.set(EMPTY);
}

/** Reads the next page with something new on it. */
export async function loadMore(): Promise<void> {
  const own = epoch;
  const start = feed.get();
  if (start.loading || start.ended) return;
  patch({ loading: true, failure: undefined });
  try {
    for (;;) {
      const askedAt = performance.now();
      const page = await listFeed(feed.get().nextPage);
      if (own !== epoch) return;
      keepPosts(page, askedAt);
      const fresh = unknownIds(page);
      const { ids, nextPage } = feed.get();
      patch({ ids: [...ids, ...fresh], nextPage: nextPage + 1, ended: page.length === 0 });
      if (page.length === 0 || fresh.length > 0) break;
    }
    patch({ loading: false });
  } catch (failure) {
    if (own === epoch) patch({ loading: false, failure });
  }
}

/** Looks for posts newer than those shown and offers them. Silent when it fails. */
export async function lookForNew(): Promise<void> {
  const own = epoch;
  if (feed.get().ids.length === 0) return;
  const askedAt = performance.now();
  const page = await listFeed(1).catch((): Post[] => []);
  if (own !== epoch) return;
  keepPosts(page, askedAt);
  patch({ newIds: [...unknownIds(page), ...feed.get().newIds] });
}

export function showNew(): void {
  const { ids, newIds } = feed.get();
  patch({ ids: [...newIds, ...ids], newIds: [] });
}

export function putOnTop(id: number): void {
  patch({ ids: [id, ...feed.get().ids.filter((other) => other !== id)] });
}

/** After a deletion the pages behind it move up by one: the last page read is read again. */
export function takeOut(id: number): void {
  const { ids, nextPage } = feed.get();
  patch({ ids: ids.filter((other) => other !== id), nextPage: Math.max(1, nextPage - 1), ended: false });
}

function unknownIds(page: readonly Post[]): number[] {
  const { ids, newIds } = feed.get();
  const known = new Set([...ids, ...newIds]);
  return page.map((post) => post.id).filter((id) => !known.has(id) && posts.get(id));
}

function patch(change: Partial<Feed>): void {
  feed.set({ ...feed.get(), ...change });
}
