// Every address in the bus.
import type { Topic } from './bus.ts';

export interface PostChanged {
  /** The post at the top of the thread that changed: its likes, comments, replies, text or media. */
  postId: number;
}

export const topics = {
  /** Changes of any post. */
  posts: (): Topic<PostChanged> => ({ name: 'posts' }),
  /** Some job was written. */
  jobs: (): Topic<Record<string, never>> => ({ name: 'jobs' }),
};
