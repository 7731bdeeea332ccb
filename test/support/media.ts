// The media feature on real parts for a test: its own database, disk and worker, and a clock that the test moves.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createMedia, type Media } from '../../src/features/media/index.ts';
import type { VideoEncoder } from '../../src/features/media/video-encoder.ts';
import type { Viewer } from '../../src/features/users/index.ts';
import type { Database } from '../../src/platform/database/database.ts';
import type { Worker } from '../../src/platform/jobs/worker.ts';
import { handle } from '../../src/platform/jobs/worker.ts';
import { createPictures } from '../../src/platform/pictures/pictures.ts';
import { createPictureRecords } from '../../src/platform/pictures/records.ts';
import type { Bus } from '../../src/platform/realtime/bus.ts';
import { openBus } from '../../src/platform/realtime/open.ts';
import { openStorage } from '../../src/platform/storage/open.ts';
import { createBlobRemoval, removeBlobsJob } from '../../src/platform/storage/removal.ts';
import type { Storage } from '../../src/platform/storage/storage.ts';
import { insertPerson, insertPost } from './databases.ts';
import { openTestQueue, type TestQueue } from './workers.ts';

export const UPLOAD_LIFETIME_MS = 7 * 86_400_000;

export interface TestMedia extends AsyncDisposable {
  readonly queue: TestQueue;
  readonly database: TestQueue['database'];
  readonly storage: Storage;
  readonly bus: Bus;
  readonly media: Media;
  readonly ann: Viewer;
  /** Every file in storage, relative to its folder; not the database's. */
  files(): Promise<string[]>;
  /** Files of runs under way. */
  scratch(): Promise<string[]>;
  startWorker(): Promise<Worker>;
  /** A worker's whole life: runs what is due and stops. */
  work(): Promise<void>;
  insertPost(): Promise<number>;
  /** An upload of these bytes in one piece, put onto a new post and closed. */
  addVideo(bytes: Buffer, label?: string): Promise<{ mediaId: number; postId: number }>;
  row(mediaId: number): Promise<Awaited<ReturnType<typeof readMedia>>>;
  uploadRow(mediaId: number): Promise<Awaited<ReturnType<typeof readUpload>>>;
  removePostMedia(postId: number): Promise<void>;
}

interface TestMediaOptions {
  encoder?: VideoEncoder;
  pictureFormats?: ('webp' | 'avif')[];
  wrapStorage?: (storage: Storage) => Storage;
  /** What the feature has; the queue and the test have the one that is wrapped. */
  wrapDatabase?: (database: Database) => Database;
  storageBytes?: number;
  videoBytes?: number;
  /** Where files go, if not beside the database. */
  disk?: string;
}

export async function openTestMedia(options: TestMediaOptions = {}): Promise<TestMedia> {
  const queue = await openTestQueue();
  const { database, jobs, now } = queue;
  const disk = options.disk ?? queue.folder;
  const folder = join(disk, 'files');
  const workFolder = join(disk, 'work');
  const opened = await openStorage({ kind: 'local', folder });
  const storage = options.wrapStorage?.(opened) ?? opened;
  const onError = (error: unknown): never => {
    throw error;
  };
  const bus = await openBus({ onError, now });
  const pictures = createPictures({
    ...{ maxBytes: 5e6, maxPixels: 10e6, maxFrames: 50, concurrency: 1, queueLimit: 10, timeoutSeconds: 20 },
  });
  const records = createPictureRecords({ jobs, now });
  const media = createMedia({
    ...{ storage, jobs, bus, pictures, records, workFolder, now },
    database: options.wrapDatabase?.(database) ?? database,
    pictureFormats: options.pictureFormats ?? ['webp', 'avif'],
    encoder: options.encoder,
    limits: {
      ...{ videoBytes: options.videoBytes ?? 50e6, mediaPerPost: 3, uploadLifetimeMs: UPLOAD_LIFETIME_MS },
      storageBytes: options.storageBytes ?? 1e9,
    },
    videoConcurrency: 1,
  });
  const ann: Viewer = { ...(await insertPerson(database, 'ann')), sessionId: 1, role: 'user' };
  const files = {
    name: 'files',
    concurrency: 1,
    registrations: [handle(removeBlobsJob, createBlobRemoval({ database, storage }))],
  };
  const startWorker = (): Promise<Worker> => queue.startWorker([files, ...media.lanes]);

  return {
    ...{ queue, database, storage, bus, media, ann, startWorker },
    files: () => listFiles(folder),
    scratch: () => listFiles(workFolder),
    async work() {
      const worker = await startWorker();
      await worker.idle();
      await worker.stop();
    },
    insertPost: () => insertPost(database, ann.profileId),
    async addVideo(bytes, label = 'clip.mp4') {
      const postId = await insertPost(database, ann.profileId);
      const { mediaId } = await media.uploads.append({ viewer: ann, label, content: bytes, connection: 'a' });
      const checked = await media.finalize.check({ viewer: ann, mediaId });
      if (!checked) throw new Error('the upload is closed already');
      await database.transaction((tx) => media.finalize.close(tx, { checked, postId }));
      await media.finalize.publish(checked);
      return { mediaId, postId };
    },
    row: (mediaId) => readMedia(database, mediaId),
    uploadRow: (mediaId) => readUpload(database, mediaId),
    removePostMedia: (postId) =>
      database.transaction((tx) => media.attachments.remove(tx, { postIds: [postId] })),
    [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
  };
}

const readMedia = (database: TestQueue['database'], id: number) =>
  database.read.selectFrom('media').selectAll().where('id', '=', id).executeTakeFirst();
const readUpload = (database: TestQueue['database'], mediaId: number) =>
  database.read.selectFrom('uploads').selectAll().where('mediaId', '=', mediaId).executeTakeFirst();

async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}
