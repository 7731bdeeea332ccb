// Media: pictures and videos, from the bytes on their way in to what a player shows.
import type { Database } from '../../platform/database/database.ts';
import { handle, type Lane } from '../../platform/jobs/worker.ts';
import type { Jobs } from '../../platform/jobs/jobs.ts';
import type { Pictures } from '../../platform/pictures/pictures.ts';
import {
  pictureAvifJob,
  type PictureRecords,
  pictureRenditionsJob,
} from '../../platform/pictures/records.ts';
import type { RenditionFormat } from '../../platform/pictures/renditions.ts';
import type { Bus } from '../../platform/realtime/bus.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import { type Attachments, createAttachments } from './attachments.ts';
import { createFinalize, type Finalize } from './finalize.ts';
import { createPictureRendering } from './picture-renditions.ts';
import { createQuota } from './quota.ts';
import { createPictureSweep, sweepPicturesJob } from './sweep-pictures.ts';
import { createUploadSweep, sweepUploadsJob } from './sweep.ts';
import { createOrphanSweep, sweepOrphansJob } from './sweep-orphans.ts';
import { createTranscoding, transcodeJob } from './transcode.ts';
import { createUploads, type Uploads } from './uploads.ts';
import type { VideoEncoder } from './video-encoder.ts';
import { createMediaViews, type MediaViews } from './views.ts';

export { noVideo, type StoredPicture } from './attachments.ts';
export { sweepPicturesJob } from './sweep-pictures.ts';
export { sweepUploadsJob } from './sweep.ts';
export { sweepOrphansJob } from './sweep-orphans.ts';
export { transcodeJob } from './transcode.ts';
export { SNIFF_BYTES, sniffVideo } from './videos/containers.ts';
export type { Uploads } from './uploads.ts';
export { createVideoEncoder, type VideoEncoder } from './video-encoder.ts';
export type { MediaView } from './views.ts';

export interface Media {
  readonly uploads: Uploads;
  readonly finalize: Finalize;
  readonly attachments: Attachments;
  readonly views: MediaViews;
  /** The kinds of jobs that this feature does. */
  readonly lanes: readonly Lane[];
}

export interface MediaOptions {
  database: Database;
  storage: Storage;
  jobs: Jobs;
  bus: Bus;
  pictures: Pictures;
  records: PictureRecords;
  /** Made of pictures. */
  pictureFormats: readonly RenditionFormat[];
  encoder: VideoEncoder | undefined;
  workFolder: string;
  limits: {
    videoBytes: number;
    mediaPerPost: number;
    /** Of one person. */
    storageBytes: number;
    uploadLifetimeMs: number;
  };
  videoConcurrency: number;
  now: () => number;
}

export function createMedia(options: MediaOptions): Media {
  const { limits } = options;
  const quota = createQuota(options);
  const attachments = createAttachments({ ...options, quota });
  const transcoding = createTranscoding(options);
  const rendering = createPictureRendering({ ...options, formats: options.pictureFormats });
  const sweep = createUploadSweep({ ...options, uploadLifetimeMs: limits.uploadLifetimeMs });
  return {
    attachments,
    uploads: createUploads({ ...options, quota }),
    finalize: createFinalize({ ...options, attachments }),
    views: createMediaViews(options),
    lanes: [
      {
        name: 'videos',
        concurrency: options.videoConcurrency,
        registrations: [handle(transcodeJob, transcoding.run, transcoding.bury)],
      },
      {
        name: 'pictures',
        // However many come: requests have the other processors.
        concurrency: 1,
        registrations: [
          handle(pictureRenditionsJob, rendering.webp, rendering.bury),
          handle(pictureAvifJob, rendering.avif, rendering.bury),
        ],
      },
      {
        name: 'sweeps',
        concurrency: 1,
        registrations: [
          handle(sweepUploadsJob, sweep),
          handle(sweepOrphansJob, createOrphanSweep(options)),
          handle(sweepPicturesJob, createPictureSweep(options)),
        ],
      },
    ],
  };
}
