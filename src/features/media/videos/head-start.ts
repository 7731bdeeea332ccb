// Runs that begin while a file is still being looked at: of an MP4 whose index tells of H.264 and AAC, those that copy the one and encode
// the other. To look takes as long as to start, so the first picture is there in half the time. If the look finds otherwise,
// nobody takes them.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runFfmpeg } from '../../../platform/ffmpeg/run.ts';
import type { Ffmpeg } from '../../../platform/ffmpeg/find.ts';
import type { VideoContainer } from './containers.ts';
import { copyArguments, soundArguments } from './encode-arguments.ts';
import type { VideoLimits } from './limits.ts';
import { type IndexedTrack, readMovieIndex } from './movie-index.ts';
import { defaultRunLimits } from './run-limits.ts';

export interface HeadStart extends AsyncDisposable {
  /** The run with just these arguments. One that writes the same file is over when it resolves. */
  take(args: readonly string[]): Promise<BegunRun | undefined>;
}

export interface BegunRun {
  /** Rejects with FfmpegFailed. */
  ended: Promise<unknown>;
  stopWith(signal: AbortSignal): void;
}

interface Untaken extends BegunRun {
  args: readonly string[];
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

/** What nobody has taken is stopped when it is disposed of. */
export async function beginEarly(beginning: Beginning): Promise<HeadStart> {
  const { source, container, videoLimits } = beginning;
  const tracks = container.demuxer === 'mov' ? await readMovieIndex(source) : undefined;
  const longest = Math.max(0, ...(tracks ?? []).map(({ seconds }) => seconds));
  const durationSeconds = Math.min(longest, videoLimits.maxDurationSeconds);
  const runs = new Map<string | undefined, Untaken>();
  for (const args of guess(beginning, tracks ?? []))
    runs.set(args.at(-1), begin(beginning, { args, durationSeconds }));
  return {
    async take(args) {
      const run = runs.get(args.at(-1));
      runs.delete(args.at(-1));
      if (run?.args.join('\n') === args.join('\n')) return run;
      await run?.end();
      return undefined;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...runs.values()].map((run) => run.end()));
      runs.clear();
    },
  };
}

function guess({ source, container, videoLimits }: Beginning, tracks: readonly IndexedTrack[]): string[][] {
  const picture = tracks.find(({ kind }) => kind === 'picture');
  const sound = tracks.find(({ kind }) => kind === 'sound');
  if (picture?.format !== 'avc1' || picture.seconds === 0) return [];
  const from = { source, container, limits: videoLimits };
  const video = { index: picture.index, durationSeconds: picture.seconds };
  const copy = copyArguments({ ...from, probe: { video } });
  return sound ? [copy, soundArguments({ ...from, probe: { video, audio: sound } })] : [copy];
}

function begin(
  { ffmpeg, source, directory, signal }: Beginning,
  { args, durationSeconds }: { args: string[]; durationSeconds: number },
): Untaken {
  const stop = new AbortController();
  const ended = runFfmpeg({
    ...{ ffmpeg, program: 'ffmpeg', args, cwd: directory, readable: [source] },
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
    ...{ args, ended },
    stopWith(other) {
      if (other.aborted) stop.abort();
      else other.addEventListener('abort', () => stop.abort(), { once: true });
    },
    async end() {
      stop.abort();
      await settled;
      await rm(join(directory, args.at(-1) ?? ''), { force: true });
    },
  };
}
