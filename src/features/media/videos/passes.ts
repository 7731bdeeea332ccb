// One run of ffmpeg that makes tracks, and their segments handed on while it goes. When the promise settles, nothing
// of the run is left, whichever side failed.

import { rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runFfmpeg } from '../../../platform/ffmpeg/run.ts';
import { readClock } from './clock.ts';
import { fileOf } from './encode-arguments.ts';
import { isWhole, readVideoCodec } from './fragments.ts';
import { damaged, interrupted } from './problems.ts';
import type { Work } from './progressive.ts';
import { createCutter, type Cutter, type MadeSegment } from './segments.ts';
import type { PlannedTrack, StreamSink, StreamTrack } from './stream.ts';

export interface Pass {
  args: string[];
  /** Absolute path. */
  source: string;
  tracks: PlannedTrack[];
  run: string;
  ends?: readonly number[] | undefined;
  /** Undefined: segments are only gathered. */
  sink?: StreamSink | undefined;
  onTime?: (seconds: number) => void;
}

/** A track that was made to its end. */
export interface MadeTrack {
  track: StreamTrack;
  segments: MadeSegment[];
  seen: Cutter['seen'];
}

const LOOK_MS = 50;
/** Where somebody waits: until the first segment is there, and for the end of what is only gathered. */
const SHORT_LOOK_MS = 10;
/** Segments that are told of at once: the first ones are not to wait for many others. */
const BATCH = 8;
const LEAST_ROOM = 1024 ** 2;

/** Answers the tracks, and the latest time stamp that was written, in seconds. */
export async function runPass(work: Work, pass: Pass): Promise<{ made: MadeTrack[]; reached: number }> {
  const { ffmpeg, directory, limits, idle } = work;
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, ...(work.signal ? [work.signal] : [])]);
  const collectors = pass.tracks.map((track) => createCollector(directory, pass, track));
  let reached = 0;
  let running = true;
  const onStdoutLine = (line: string): void => {
    if (!line.startsWith('out_time=')) return;
    reached = Math.max(reached, readClock(line.slice('out_time='.length)));
    pass.onTime?.(reached);
  };
  const begun = await work.headStart?.take(pass.args);
  if (begun) begun.stopWith(signal);
  // What an earlier step left there would be taken for the beginning.
  else for (const track of pass.tracks) await rm(join(directory, fileOf(track)), { force: true });
  const run = (): Promise<unknown> =>
    runFfmpeg({
      ...{ ffmpeg, program: 'ffmpeg', args: pass.args, cwd: directory, readable: [pass.source] },
      ...{ limits, signal, idle, onStdoutLine },
    });
  const ended = (begun?.ended ?? run()).finally(() => {
    running = false;
  });
  // Looked at below; a failure before that is none of the process's.
  ended.catch(() => undefined);
  try {
    while (running) {
      await collectAll(collectors, false);
      const playable = pass.sink && collectors.every((collector) => collector.begun());
      await Promise.race([ended.catch(() => undefined), delay(playable ? LOOK_MS : SHORT_LOOK_MS)]);
    }
    await ended;
    await collectAll(collectors, true);
    return { made: await Promise.all(collectors.map((collector) => collector.end())), reached };
  } catch (error) {
    stop.abort();
    await ended.catch(() => undefined);
    throw error;
  }
}

/** Nothing is under way any more when this throws. */
async function collectAll(
  collectors: readonly { collect(last: boolean): Promise<void> }[],
  last: boolean,
): Promise<void> {
  const results = await Promise.allSettled(collectors.map((collector) => collector.collect(last)));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

function createCollector(directory: string, pass: Pass, planned: PlannedTrack) {
  const path = join(directory, fileOf(planned));
  const folder = join(directory, planned.name);
  const cutter = createCutter({ path, folder, run: pass.run, ends: pass.ends });
  const segments: MadeSegment[] = [];
  let track: StreamTrack | undefined;

  async function hand(batch: MadeSegment[]): Promise<void> {
    if (batch.length === 0) return;
    track ??= complete(planned, cutter.init());
    if (!track) throw damaged();
    segments.push(...batch);
    await pass.sink?.append(track, { at: segments.length - batch.length, segments: batch });
  }

  return {
    begun: () => segments.length > 0,
    async collect(last: boolean): Promise<void> {
      let batch: MadeSegment[] = [];
      for await (const segment of cutter.cut(last)) {
        batch.push(segment);
        if (batch.length < BATCH) continue;
        await hand(batch);
        batch = [];
      }
      await hand(batch);
    },
    async end(): Promise<MadeTrack> {
      await refuseHalf(directory, path);
      if (!track) throw damaged();
      return { track, segments, seen: cutter.seen };
    },
  };
}

function complete(planned: PlannedTrack, init: Buffer | undefined): StreamTrack | undefined {
  const codecs = planned.codecs ?? (init && readVideoCodec(init));
  return codecs === undefined ? undefined : { ...planned, codecs };
}

/** The encoder has ended well, so what is missing or short was not written for want of room. */
async function refuseHalf(directory: string, path: string): Promise<void> {
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  if (size > 0 && (await isWhole(path))) return;
  const { bavail, bsize } = await statfs(directory);
  throw size > 0 || bavail * bsize < LEAST_ROOM ? interrupted() : damaged();
}
