// Runs that begin while a file is still being looked at: of an MP4 whose index tells of H.264, the one that copies it, with AAC for
// two ears in the same go; other sound is encoded beside it. To look takes as long as to start, so the first picture is
// there in half the time. If the look finds otherwise, nobody takes them.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runFfmpeg } from '../../../platform/ffmpeg/run.ts';
import type { Ffmpeg } from '../../../platform/ffmpeg/find.ts';
import type { VideoContainer } from './containers.ts';
import { COPY, copyArguments, fileOf, SOUND, soundArguments } from './encode-arguments.ts';
import type { VideoLimits } from './limits.ts';
import { type IndexedTrack, readMovieIndex } from './movie-index.ts';
import { defaultRunLimits } from './run-limits.ts';

export interface HeadStart extends AsyncDisposable {
  /** The run with just these arguments. Without one, whatever else writes the same file is over when it resolves. */
  take(args: readonly string[]): Promise<BegunRun | undefined>;
}

export interface BegunRun {
  /** Rejects with FfmpegFailed. */
  ended: Promise<unknown>;
  stopWith(signal: AbortSignal): void;
}

interface Plan {
  args: readonly string[];
  /** What it writes, in the work directory. */
  files: readonly string[];
}

interface Untaken extends BegunRun, Plan {
  /** Resolves when nothing of it is left. */
  end(): Promise<void>;
}

interface Beginning {
  ffmpeg: Ffmpeg;
  /** Absolute path. */
  source: string;
  /** The work directory. */
  directory: string;
  container: VideoContainer;
  videoLimits: VideoLimits;
  signal?: AbortSignal | undefined;
}

const SOUND_FILE = fileOf({ name: SOUND, copied: false });

/** What nobody has taken is stopped when it is disposed of. */
export async function beginEarly(beginning: Beginning): Promise<HeadStart> {
  const { source, container, videoLimits } = beginning;
  const tracks = container.demuxer === 'mov' ? await readMovieIndex(source) : undefined;
  const longest = Math.max(0, ...(tracks ?? []).map(({ seconds }) => seconds));
  const durationSeconds = Math.min(longest, videoLimits.maxDurationSeconds);
  const runs = new Set<Untaken>();
  for (const plan of guess(beginning, tracks ?? [])) runs.add(begin(beginning, { plan, durationSeconds }));
  const endAll = async (some: readonly Untaken[]): Promise<void> => {
    await Promise.all(some.map((run) => run.end()));
    for (const run of some) runs.delete(run);
  };
  return {
    async take(args) {
      const same = [...runs].find((run) => run.args.join('\n') === args.join('\n'));
      if (same) runs.delete(same);
      else await endAll([...runs].filter(({ files }) => files.includes(args.at(-1) ?? '')));
      return same;
    },
    [Symbol.asyncDispose]: () => endAll([...runs]),
  };
}

function guess({ source, container, videoLimits }: Beginning, tracks: readonly IndexedTrack[]): Plan[] {
  const picture = tracks.find(({ kind }) => kind === 'picture');
  const sound = tracks.find(({ kind }) => kind === 'sound');
  if (picture?.format !== 'avc1' || picture.seconds === 0) return [];
  const from = { source, container, limits: videoLimits };
  const video = { index: picture.index, durationSeconds: picture.seconds };
  const probe = { video, audio: sound };
  if (sound?.isStereoAac)
    return [{ args: copyArguments({ ...from, probe, sound: true }), files: [COPY, SOUND_FILE] }];
  const copy = { args: copyArguments({ ...from, probe, sound: false }), files: [COPY] };
  return sound ? [copy, { args: soundArguments({ ...from, probe }), files: [SOUND_FILE] }] : [copy];
}

function begin(
  { ffmpeg, source, directory, signal }: Beginning,
  { plan, durationSeconds }: { plan: Plan; durationSeconds: number },
): Untaken {
  const stop = new AbortController();
  const ended = runFfmpeg({
    ...{ ffmpeg, program: 'ffmpeg', args: [...plan.args], cwd: directory, readable: [source] },
    limits: defaultRunLimits({ durationSeconds }),
    signal: AbortSignal.any([stop.signal, ...(signal ? [signal] : [])]),
    // Their progress is of no use, and would be kept.
    onStdoutLine: () => undefined,
  });
  const settled = ended.then(
    () => undefined,
    () => undefined,
  );
  return {
    ...plan,
    ended,
    stopWith(other) {
      if (other.aborted) stop.abort();
      else other.addEventListener('abort', () => stop.abort(), { once: true });
    },
    async end() {
      stop.abort();
      await settled;
      for (const file of plan.files) await rm(join(directory, file), { force: true });
    },
  };
}
