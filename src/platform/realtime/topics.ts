// Every address in the bus.
import type { Topic } from './bus.ts';

export interface PostChanged {
  /** The post at the top of the thread. */
  postId: number;
}

export const topics = {
  /** What came to a post, or went: likes, comments, replies, what became of a video. */
  posts: (): Topic<PostChanged> => ({ name: 'posts' }),
  /** What authors did: a post is new or gone, its text or its media are others. */
  authorship: (): Topic<PostChanged> => ({ name: 'authorship' }),
  /** Some job was written. */
  jobs: (): Topic<Record<string, never>> => ({ name: 'jobs' }),
};
