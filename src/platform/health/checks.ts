// The parts that a process stands on, and what each of them lacking means.
import { statfs } from 'node:fs/promises';
import type { Database } from '../database/database.ts';
import { newestSchema } from '../database/migrate.ts';
import { DomainError } from '../errors.ts';
import type { Ffmpeg } from '../ffmpeg/find.ts';
import type { RedisConnection } from '../redis/connection.ts';
import type { Storage } from '../storage/storage.ts';
import { type Check, type Finding, Unready } from './health.ts';

interface Parts {
  database: Database;
  storage: Storage;
  redis: RedisConnection | undefined;
  disk: { folder: string; minFreeBytes: number };
  /** Of a process that works on videos; undefined in it when there is no ffmpeg. */
  video: { ffmpeg: Ffmpeg | undefined } | undefined;
}

const WELL: Finding = { status: 'ready' };

export function createChecks({ database, storage, redis, disk, video }: Parts): Check[] {
  return [
    ...databaseChecks(database),
    {
      name: 'storage',
      // Where every process has the same one, none of them would be left to send requests to, and words need no files.
      lacking: storage.isShared ? 'degraded' : 'unready',
      otherwise: 'files cannot be stored',
      async look() {
        await storage.check().catch((error: unknown) => {
          throw error instanceof DomainError ? new Unready(error.message, { cause: error }) : error;
        });
        return WELL;
      },
    },
    {
      name: 'disk',
      otherwise: 'the free space cannot be read',
      async look() {
        const { bavail, bsize } = await statfs(disk.folder);
        if (bavail * bsize < disk.minFreeBytes) throw new Unready('too little free space');
        return WELL;
      },
    },
    ...(redis ? [{ name: 'redis', otherwise: '', look: () => lookAtRedis(redis) }] : []),
    ...(video ? [{ name: 'ffmpeg', otherwise: '', look: () => lookAtFfmpeg(video.ffmpeg) }] : []),
  ];
}

/** Both ask once, together. */
function databaseChecks(database: Database): Check[] {
  let asking: ReturnType<Database['check']> | undefined;
  const ask = (): ReturnType<Database['check']> =>
    (asking ??= database.check().finally(() => (asking = undefined)));
  return [
    {
      name: 'database',
      otherwise: 'it does not answer',
      async look() {
        const { isReadonly } = await ask();
        if (isReadonly) throw new Unready('it is read only');
        return WELL;
      },
    },
    {
      name: 'migrations',
      otherwise: 'the database does not answer',
      async look() {
        const { schema } = await ask();
        if (schema < newestSchema()) throw new Unready('the schema is older than this program');
        // So it is during an upgrade, and migrations are such that the older program goes on.
        return schema > newestSchema()
          ? { status: 'degraded', reason: 'the schema is newer than this program' }
          : WELL;
      },
    },
  ];
}

function lookAtRedis({ state }: RedisConnection): Finding {
  if (state.up) return WELL;
  return { status: 'degraded', reason: 'it is away: live updates and limits stay within this process' };
}

function lookAtFfmpeg(ffmpeg: Ffmpeg | undefined): Finding {
  if (!ffmpeg) return { status: 'degraded', reason: 'there is none: videos are played as they came' };
  const { network, files, limits } = ffmpeg.sandbox;
  const missing = [
    ...(network === 'cut' ? [] : ['the network is not cut']),
    ...(files === 'isolated' ? [] : ['files are not isolated']),
    ...(limits ? [] : ['nothing limits it']),
  ];
  return missing.length > 0 ? { status: 'degraded', reason: `in its sandbox ${missing.join(', ')}` } : WELL;
}
