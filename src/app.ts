// The composition root: builds everything once, top to bottom. Only here all rings are seen.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Cron } from 'croner';
import type { FastifyInstance } from 'fastify';
import { classicNouns, createClassicDoor } from './api/classic/index.ts';
import { createFilesDoor } from './api/files/index.ts';
import { createHealthDoor } from './api/health/index.ts';
import { createHeldBodies, type HeldBodies } from './api/held-bodies.ts';
import { createRequestLimits } from './api/limits.ts';
import { listen, type Place } from './api/listening.ts';
import { createOriginCheck } from './api/origins.ts';
import { createPagesDoor } from './api/pages/index.ts';
import { createServer, type RouteListener } from './api/server.ts';
import { createApiDescription, createSiteDoor, type SiteFacts } from './api/site/index.ts';
import { createSocketMeasures } from './api/socket-measures.ts';
import { createUploadsDoor, takeOverriddenMethod } from './api/uploads/index.ts';
import { createViewers } from './api/viewer.ts';
import type { Config } from './config.ts';
import {
  createMedia,
  createVideoEncoder,
  type Media,
  sweepOrphansJob,
  sweepPicturesJob,
  sweepUploadsJob,
} from './features/media/index.ts';
import { createImports, type Imports } from './features/imports/index.ts';
import { createPosts, type Posts } from './features/posts/index.ts';
import { createProfiles, type Profiles } from './features/profiles/index.ts';
import { createUsers, sweepSessionsJob, type Users } from './features/users/index.ts';
import { createMeasures, type Measures } from './measures/index.ts';
import type { Database } from './platform/database/database.ts';
import { bringUp } from './platform/database/migrate.ts';
import { openDatabase } from './platform/database/open.ts';
import { type Ffmpeg, findFfmpeg } from './platform/ffmpeg/find.ts';
import { createChecks } from './platform/health/checks.ts';
import { createHealth, type Health } from './platform/health/health.ts';
import { createJobs, type Jobs } from './platform/jobs/jobs.ts';
import { createJobsOverview, type JobsOverview } from './platform/jobs/overview.ts';
import { createScratch } from './platform/jobs/scratch.ts';
import { createJobSweep, sweepJobsJob } from './platform/jobs/sweep.ts';
import { spreadWakeUps } from './platform/jobs/wake-ups.ts';
import { createWorker, handle, type Worker } from './platform/jobs/worker.ts';
import { openLimits } from './platform/limits/open.ts';
import type { Logger } from './platform/logger.ts';
import { type Metrics, noMetrics } from './platform/metrics/metrics.ts';
import { createPictures } from './platform/pictures/pictures.ts';
import { createPictureRecords } from './platform/pictures/records.ts';
import { openBus } from './platform/realtime/open.ts';
import { openRedis } from './platform/redis/open.ts';
import { keepSecretKey } from './platform/secret-key.ts';
import { createSpools } from './platform/spools.ts';
import { openStorage } from './platform/storage/open.ts';
import { createBlobRemoval, removeBlobsJob } from './platform/storage/removal.ts';
import { noTracing, type Tracing } from './platform/tracing/tracing.ts';
import { readVersion } from './platform/version.ts';

export interface App extends AsyncDisposable {
  readonly server: FastifyInstance;
  readonly worker: Worker;
  readonly users: Users;
  readonly profiles: Profiles;
  readonly posts: Posts;
  readonly media: Media;
  readonly imports: Imports;
  readonly jobs: JobsOverview;
  readonly health: Health;
  /** What is switched on, for the start report. */
  readonly report: { database: string; storage: string; ffmpeg: Ffmpeg | undefined };
  listen(place: Place): Promise<void>;
  /** Begins to run jobs, with a sweep now and every hour. */
  startWork(): Promise<void>;
}

export interface AppOptions {
  config: Config;
  logger: Logger;
  now?: () => number;
  /** What `findFfmpeg` answered, where that is known. */
  ffmpeg?: Ffmpeg | undefined;
  onRoute?: RouteListener;
  metrics?: Metrics;
  tracing?: Tracing;
  /** With another bound than pictures need. */
  heldBodies?: HeldBodies;
}

const PICTURES = { maxPixels: 40e6, maxFrames: 200, concurrency: 1, queueLimit: 64, timeoutSeconds: 20 };

export async function createApp(options: AppOptions): Promise<App> {
  const { config, logger, now = Date.now, onRoute, metrics = noMetrics, tracing = noTracing } = options;
  const measure = createMeasures(metrics, tracing);
  const onError = (error: unknown): void => logger.error({ err: error }, 'an effect failed');
  await using opened = new AsyncDisposableStack();

  const platform = await openPlatform({ ...options, now, measure, onError, opened });
  const { database, storage, redis, bus, ffmpeg, jobs, limits, pictures, records } = platform;

  const { tokens, hashConcurrency } = config;
  const users = createUsers({
    ...{ database, limits, now, secretKey: platform.secretKey, tokens, hashConcurrency },
  });
  const profiles = createProfiles({ database, storage, jobs, limits, pictures, records, users, now });
  const { sizes } = config.videos;
  const encoder =
    ffmpeg &&
    measure.encoder(createVideoEncoder({ ffmpeg, sizes, maxDurationMs: config.limits.videoDurationMs }));
  const media = measure.uploads(
    createMedia({
      ...{ database, storage, jobs, bus, pictures, records, encoder, now },
      pictureFormats: config.pictureFormats,
      workFolder: platform.scratch.folder,
      limits: config.limits,
      videoConcurrency: config.videos.concurrency,
    }),
  );
  const posts = createPosts({ database, jobs, bus, media, profiles, users, limits: config.limits, now });
  const imports = createImports({
    ...{ database, storage, jobs, records, profiles, media, now },
    limits: config.limits,
  });

  const housekeeping = {
    name: 'housekeeping',
    concurrency: 2,
    registrations: [
      handle(removeBlobsJob, createBlobRemoval({ database, storage })),
      handle(sweepJobsJob, createJobSweep({ database, now })),
    ],
  };
  const worker = createWorker({
    ...{ database, logger, now, around: measure.runs },
    lanes: [housekeeping, ...users.lanes, ...media.lanes, ...posts.lanes],
  });
  spreadWakeUps({ jobs, bus, wake: worker.wake });
  const sweep = opened.adopt(scheduleSweep({ database, jobs, onError }), (cron) => cron.stop());

  const checks = createChecks({
    ...{ database, storage, redis },
    disk: { folder: config.dataDir, minFreeBytes: config.minFreeDiskBytes },
    video: config.roles.work ? { ffmpeg } : undefined,
  });
  const health = createHealth({ checks, logger });

  const viewers = createViewers(users.sessions);
  const allowsOrigin = createOriginCheck(config.allowedOrigins);
  const { uploadBytesPerDay } = config.limits;
  const requestLimits = createRequestLimits({ limits, viewers, uploadBytes: uploadBytesPerDay });
  const site = describeSite(config, onRoute);
  const server = await createServer({
    ...config,
    ...{ logger, metrics, tracing, onRoute: site.onRoute },
    heldBodies: options.heldBodies ?? holdBodies(config),
    filesOrigin: storage.origin,
    isDraining: () => health.isDraining,
    beforeRouting: takeOverriddenMethod,
    doors: [
      createHealthDoor(health),
      createClassicDoor({
        ...{ users, profiles, media, posts, viewers, requestLimits, bus, allowsOrigin },
        spools: createSpools(platform.scratch),
        limits: config.limits,
        signUp: config.signUp,
        postCacheBytes: config.postCacheBytes,
        socketMeasures: createSocketMeasures(metrics),
      }),
      createUploadsDoor({
        ...{ media, viewers, requestLimits, now },
        limits: config.limits,
        speaksDraft: config.resumableUploadsDraft,
      }),
      site.door,
      createFilesDoor({ storage, streams: media.streams }),
      createPagesDoor(),
    ],
  });
  // Together: requests finish while the encoder is stopped and its job goes back.
  opened.defer(async () => {
    await Promise.all([server.close(), worker.stop()]);
  });

  const disposal = opened.move();
  return {
    ...{ server, worker, users, profiles, posts, media, imports, health },
    jobs: measure.jobs(createJobsOverview({ database, now })),
    report: { database: database.description, storage: storage.description, ffmpeg },
    listen: (place) => listen(server, place),
    async startWork() {
      await platform.scratch.sweep();
      await worker.start();
      await enqueueSweeps(database, jobs);
      sweep.resume();
    },
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  };
}

interface PlatformOptions extends Pick<AppOptions, 'config' | 'logger' | 'ffmpeg'> {
  now: () => number;
  measure: Measures;
  onError: (error: unknown) => void;
  /** Closes all of it, the last first. */
  opened: AsyncDisposableStack;
}

/** What the features stand on. */
async function openPlatform(options: PlatformOptions) {
  const { config, logger, now, measure, onError, opened } = options;
  const scratch = createScratch(join(config.dataDir, 'work'), Date.now);
  await mkdir(config.dataDir, { recursive: true });
  const secretKey = config.secretKey ?? (await keepSecretKey(config.dataDir));

  await bringUp(config.database, now);
  const database = measure.database.around(
    opened.use(await openDatabase(config.database, onError, measure.database.observer)),
  );
  const storage = opened.use(await openStorage(config.storage));
  const redis = opened.use(config.redis && (await openRedis({ settings: config.redis, logger, now })));
  const bus = measure.bus(opened.use(await openBus({ onError, now, redis })), redis);
  // Whoever does no jobs encodes nothing.
  const ffmpeg = config.roles.work
    ? (options.ffmpeg ?? (await findFfmpeg({ ...config, search: config.searchPath })))
    : undefined;
  const jobs = createJobs({ now });
  const limits = measure.limits(await openLimits({ factor: config.rateLimitFactor, now, redis }));
  const pictures = createPictures({ ...PICTURES, maxBytes: config.limits.pictureBytes });
  const records = createPictureRecords({ jobs, now });
  return { scratch, secretKey, database, storage, redis, bus, ffmpeg, jobs, limits, pictures, records };
}

/** What clients are told before anything else, the routes among it as they are mounted. */
function describeSite(config: Config, onRoute: RouteListener | undefined) {
  const { limits, signUp, resumableUploadsDraft, videos, pictureFormats } = config;
  const version = readVersion();
  const description = createApiDescription({ version, nouns: classicNouns });
  const facts: SiteFacts = {
    software: 'veranda',
    version,
    ...config.site,
    sign_up: signUp,
    limits: {
      post_characters: limits.postCharacters,
      comment_characters: limits.commentCharacters,
      media_per_post: limits.mediaPerPost,
      picture_bytes: limits.pictureBytes,
      video_bytes: limits.videoBytes,
      video_seconds: limits.videoDurationMs / 1_000,
      chunk_bytes: limits.chunkBytes,
      upload_seconds: limits.uploadLifetimeMs / 1_000,
    },
    uploads: ['tus', 'parts', 'form', 'chunks', ...(resumableUploadsDraft ? (['draft'] as const) : [])],
    video_sizes: videos.sizes,
    picture_formats: pictureFormats,
  };
  return {
    door: createSiteDoor({ facts, description }),
    onRoute(route: Parameters<RouteListener>[0]): void {
      description.note(route);
      onRoute?.(route);
    },
  };
}

const HELD_BYTES = 256 * 2 ** 20;

/** More where pictures may be so large that a few would fill it. */
const holdBodies = ({ limits }: Config): HeldBodies =>
  createHeldBodies({ maxBytes: Math.max(HELD_BYTES, 8 * limits.pictureBytes) });

/** Every hour, at a minute of its own, paused until the work begins. */
function scheduleSweep({
  database,
  jobs,
  onError,
}: {
  database: Database;
  jobs: Jobs;
  onError: (error: unknown) => void;
}): Cron {
  return new Cron('17 * * * *', { paused: true, unref: true, catch: onError }, () =>
    enqueueSweeps(database, jobs),
  );
}

async function enqueueSweeps(database: Database, jobs: Jobs): Promise<void> {
  await database.transaction(async (tx) => {
    for (const kind of [sweepUploadsJob, sweepOrphansJob, sweepSessionsJob, sweepPicturesJob, sweepJobsJob])
      await jobs.enqueue(tx, kind, { payload: {}, uniqueKey: 'hourly' });
  });
}
