// What the benchmarks ask for.
import type { Request } from './wrk.ts';

/** The request that is sent as the `count`th. */
export type MakeRequest = (count: number) => Request;

export interface Requests {
  feed: MakeRequest;
  /** Any post. */
  detail: MakeRequest;
  like: MakeRequest;
  comment: MakeRequest;
}

export function createRequests(postIds: readonly number[]): Requests {
  const pick = (count: number): number => postIds[(count * 7_919) % postIds.length] ?? 1;
  const post = (path: string, body: object): Request => ({
    ...{ method: 'POST', path: `/api/posts/post/add/${path}/`, body: JSON.stringify(body) },
  });
  return {
    feed: () => ({ method: 'GET', path: '/api/posts/?page=1' }),
    detail: (count) => ({ method: 'GET', path: `/api/posts/post/${pick(count)}/` }),
    like: (count) => post('like', { postID: pick(count) }),
    comment: (count) => post('comment', { postID: pick(count), commentContent: `Comment number ${count}` }),
  };
}
