// Posts: what people say. Posts, comments and replies are one noun at three levels; likes are the same on each.
import type { Database } from '../../platform/database/database.ts';
import type { Jobs } from '../../platform/jobs/jobs.ts';
import type { Lane } from '../../platform/jobs/worker.ts';
import type { Bus } from '../../platform/realtime/bus.ts';
import type { Media } from '../media/index.ts';
import type { Profiles } from '../profiles/index.ts';
import type { Users } from '../users/index.ts';
import { type Attaching, createAttaching } from './attaching.ts';
import { createDepartures, type Departures } from './departures.ts';
import { createLikes, type Likes } from './likes.ts';
import { createLists, type Lists } from './lists.ts';
import { createOwnVideos, type OwnVideos } from './videos.ts';
import { createPostViews, type PostViews } from './views.ts';
import { createWriting, type Writing } from './writing.ts';

export { createThreads, type ListedPost, type Place, type PostRef } from './queries.ts';
export { termsOf } from './search-terms.ts';
export { searchedPosts } from './searched.ts';
export type { CommentView, PostView } from './views.ts';

export interface Posts {
  readonly writing: Writing;
  readonly attaching: Attaching;
  readonly videos: OwnVideos;
  readonly likes: Likes;
  readonly lists: Lists;
  readonly views: PostViews;
  readonly departures: Departures;
  /** The kinds of jobs that this feature does. */
  readonly lanes: readonly Lane[];
}

interface PostsOptions {
  database: Database;
  jobs: Jobs;
  bus: Bus;
  media: Media;
  profiles: Profiles;
  users: Users;
  limits: { postCharacters: number; commentCharacters: number };
  now: () => number;
}

export function createPosts(options: PostsOptions): Posts {
  const writing = createWriting(options);
  const likes = createLikes(options);
  const departures = createDepartures({ ...options, writing, likes });
  return {
    ...{ writing, likes, departures, lanes: [departures.lane] },
    attaching: createAttaching(options),
    videos: createOwnVideos(options),
    lists: createLists(options),
    views: createPostViews(options),
  };
}
