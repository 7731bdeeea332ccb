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
import { createStreams, type Streams } from './streams.ts';
import { createTranscoding, transcodeJob } from './transcode.ts';
import { createRestTranscoding, transcodeRestJob } from './transcode-rest.ts';
import { createUploadBodies, type UploadBodies } from './upload-bodies.ts';
import { createUploadLeases } from './upload-leases.ts';
import { createUploadParts, type UploadParts } from './upload-parts.ts';
import { createUploadResources, type UploadResources } from './upload-resources.ts';
import { createUploadRows } from './upload-rows.ts';
import { createVideoCare, type VideoCare } from './video-care.ts';
import { createUploads, type Uploads } from './uploads.ts';
import { createWriters } from './upload-writers.ts';
import type { VideoEncoder } from './video-encoder.ts';
import { createMediaViews, type MediaViews } from './views.ts';

export { noVideo, type StoredPicture } from './attachments.ts';
export { listNamedBlobs } from './named-blobs.ts';
export { sweepPicturesJob } from './sweep-pictures.ts';
export { sweepUploadsJob } from './sweep.ts';
export { sweepOrphansJob } from './sweep-orphans.ts';
export { transcodeJob } from './transcode.ts';
export type { CaptionTrack } from './caption-tracks.ts';
export { SNIFF_BYTES, sniffVideo } from './videos/containers.ts';
export type { Streams } from './streams.ts';
export type { Uploads } from './uploads.ts';
export { createVideoEncoder, type VideoEncoder } from './video-encoder.ts';
export type { Checksum, ChecksumAlgorithm } from './intake.ts';
export type { ReceivedBody } from './upload-bodies.ts';
export type { Own, UploadState } from './upload-resources.ts';
export type { MediaView, VideoView } from './views.ts';

export interface Media {
  /** By name, in pieces that come as text. */
  readonly uploads: Uploads;
  /** By id: as a whole, as bodies in order, as parts in any order. */
  readonly resources: Pick<UploadResources, 'create' | 'settle' | 'look' | 'complete' | 'remove'>;
  readonly bodies: UploadBodies;
  readonly parts: UploadParts;
  readonly finalize: Finalize;
  readonly attachments: Attachments;
  readonly views: MediaViews;
  readonly streams: Streams;
  readonly care: VideoCare;
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
  const writers = createWriters();
  const rows = createUploadRows({ ...options, quota });
  const leases = createUploadLeases({ ...options, writers });
  const uploads = { ...options, rows, leases, writers, quota };
  const resources = createUploadResources(uploads);
  const attachments = createAttachments({ ...options, quota });
  const transcoding = createTranscoding(options);
  const rendering = createPictureRendering({ ...options, formats: options.pictureFormats });
  const rest = createRestTranscoding(options);
  const sweep = createUploadSweep({ ...options, uploadLifetimeMs: limits.uploadLifetimeMs });
  return {
    attachments,
    resources,
    uploads: createUploads(uploads),
    bodies: createUploadBodies({ ...uploads, resources, read: options.database.read }),
    parts: createUploadParts({ ...uploads, resources }),
    finalize: createFinalize({ ...uploads, attachments }),
    views: createMediaViews(options),
    streams: createStreams(options),
    care: createVideoCare({ ...options, quota }),
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
        // Apart from the first: a long film's larger sizes keep nobody from beginning to watch another one.
        name: 'larger sizes',
        concurrency: 1,
        registrations: [handle(transcodeRestJob, rest.run, rest.bury)],
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
