// What the author of a post may do for its videos.
import { afterCommit, type Database, type Transaction } from '../../platform/database/database.ts';
import { DomainError } from '../../platform/errors.ts';
import type { Bus } from '../../platform/realtime/bus.ts';
import { topics } from '../../platform/realtime/topics.ts';
import type { CaptionTrack, Media } from '../media/index.ts';
import type { Viewer } from '../users/index.ts';
import { createThreads } from './queries.ts';

interface OwnVideo {
  viewer: Viewer;
  postId: number;
  mediaId: number;
}

/** Viewers hear of each. All throw `not_found`, or `forbidden` for somebody else's post, and as `VideoCare` does. */
export interface OwnVideos {
  retry(video: OwnVideo): Promise<void>;
  addCaptions(captions: OwnVideo & { language: string; label: string; vtt: string }): Promise<CaptionTrack>;
  removeCaptions(captions: OwnVideo & { id: string }): Promise<void>;
}

export function createOwnVideos(options: {
  database: Database;
  bus: Bus;
  media: Media;
  now: () => number;
}): OwnVideos {
  const { database, bus, now } = options;
  const { care } = options.media;
  const threads = createThreads(database, now);

  const change = ({ viewer, postId }: OwnVideo, work: (tx: Transaction) => Promise<void>): Promise<void> =>
    database.transaction(async (tx) => {
      await threads.findOwnPost({ within: tx, id: postId, viewer });
      await work(tx);
      await threads.touch(tx, postId);
      afterCommit(tx, () => bus.publish(topics.posts(), { postId }));
    });

  const discarding = (track: CaptionTrack) => async (error: unknown) => {
    // Only a refusal is certain to have committed nothing; after anything else the sweep decides.
    if (error instanceof DomainError) await care.discardCaptions(track);
    throw error;
  };

  return {
    retry: (video) => change(video, (tx) => care.retry(tx, video)),
    async addCaptions({ language, label, vtt, ...video }) {
      // Before anything is stored, and again in the transaction that counts.
      await threads.findOwnPost({ id: video.postId, viewer: video.viewer });
      const track = await care.storeCaptions({ ...video, language, label, vtt });
      await change(video, (tx) => care.addCaptions(tx, { ...video, track })).catch(discarding(track));
      return track;
    },
    removeCaptions: (captions) => change(captions, (tx) => care.removeCaptions(tx, captions)),
  };
}
