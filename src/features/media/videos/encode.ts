// Turns a probed source into everything that is published of it, in two steps: what a viewer needs to begin (the picture
// as it came where that is possible, one rendition, the sound, the files beside them), and the other renditions. All goes into one
// work directory; nothing is left running, and on failure that directory may just be deleted.

import type { Ffmpeg } from '../../../platform/ffmpeg/find.ts';
import type { RunLimits } from '../../../platform/ffmpeg/sandbox.ts';
import type { VideoContainer } from './containers.ts';
import { canCopySound } from './copying.ts';
import { fileOf, SOUND, stillSeconds } from './encode-arguments.ts';
import type { HeadStart } from './head-start.ts';
import { chooseLadder } from './ladder.ts';
import { defaultVideoLimits, type VideoLimits } from './limits.ts';
import type { MadeTrack } from './passes.ts';
import type { VideoProbe } from './probe-report.ts';
import { damaged, explainFailure } from './problems.ts';
import { copyToFile, joinToFile, type Work } from './progressive.ts';
import type { Rendition } from './renditions.ts';
import { defaultRunLimits } from './run-limits.ts';
import { makeStills, toPoster } from './stills.ts';
import { toSheet, writeSheetList } from './storyboard.ts';
import type { EncodeProgress, StreamSink } from './stream.ts';
import { copyTracks, encodeSound, encodeTracks, handOn, lengthOf, type TrackJob } from './tracks.ts';

export interface EncodeRequest {
  ffmpeg: Ffmpeg;
  /** Absolute path. */
  source: string;
  /** Absolute path of a fresh, empty directory. */
  directory: string;
  container: VideoContainer;
  probe: VideoProbe;
  /** Short sides of the renditions. */
  sides: readonly number[];
  /** Begins the names of all files: no two runs write the same. */
  run: string;
  sink: StreamSink;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: EncodeProgress) => void) | undefined;
  limits?: RunLimits;
  videoLimits?: VideoLimits;
  /** Of the first step. It is over when that has ended. */
  headStart?: HeadStart | undefined;
}

/** What lies in the work directory beside the tracks, by name. */
export interface FirstOutcome {
  durationMs: number;
  /** Of the largest rendition, whether it is there already or not. */
  width: number;
  height: number;
  hasAudio: boolean;
  progressive: string;
  /** The progressive file holds the source's own tracks: nothing better will come. */
  progressiveIsSource: boolean;
  poster: string;
  storyboard: { sheet: string; list: string };
  /** Whether renditions are left for `encodeRest`. */
  more: boolean;
}

/** Both only when they are better than what the first step made. */
export interface RestOutcome {
  progressive?: string;
  poster?: string;
}

type Job = TrackJob & Pick<EncodeRequest, 'sides'>;

/** Throws VideoProblem, or what the sink throws. */
export async function encodeFirst(request: EncodeRequest): Promise<FirstOutcome> {
  return explained(async () => {
    const [job, work] = [toJob(request), toWork(request)];
    const hasAudio = job.probe.audio !== undefined;
    job.sink.begin({ hasSound: hasAudio });
    const planned = chooseLadder({ ...job, mayCopy: mayCopy(job) });
    if (!planned.copied) await work.headStart?.[Symbol.asyncDispose]();
    const copiesSound = planned.copied !== undefined && canCopySound(job);
    const [{ copied, encoded, ladder }] = await together(
      work,
      (linked) =>
        makePictures(job, linked, planned.copied && { rendition: planned.copied, sound: copiesSound }),
      // Beside a copy, which is over in a moment; otherwise in the one run that decodes.
      async (linked) => (hasAudio && planned.copied && !copiesSound ? encodeSound(job, linked) : undefined),
    );
    job.onProgress?.({ step: 'finishing' });
    const small = encoded.find(({ track }) => track.kind === 'picture') ?? copied;
    const large = copied ?? small;
    if (!large || !small) throw damaged();
    const { width, height } = largestOf([
      ...(ladder.copied ? [ladder.copied] : []),
      ...ladder.first,
      ...ladder.rest,
    ]);
    const files = await makeFiles(job, work, { large, small });
    const durationMs = Math.round(1000 * lengthOf(small));
    return { durationMs, width, height, hasAudio, ...files, more: ladder.rest.length > 0 };
  });
}

/** What may be copied, and the rendition to begin with; without a copy the sound comes of the same run. */
async function makePictures(
  job: Job,
  work: Work,
  wanted: { rendition: Rendition; sound: boolean } | undefined,
) {
  const { picture: copied, sound } = wanted ? await copyTracks(job, work, wanted) : {};
  const ladder = chooseLadder({ ...job, mayCopy: copied !== undefined });
  await together(
    work,
    async () => sound && handOn(job, sound),
    async () => copied && handOn(job, copied),
  );
  if (wanted?.sound && !sound) await encodeSound(job, work);
  const encoded = await encodeTracks(job, work, {
    ...{ renditions: ladder.first, copied, early: true },
    sound: job.probe.audio !== undefined && wanted === undefined,
  });
  return { copied, encoded, ladder };
}

/**
 * The renditions that the first step left, at a time when nobody else wants the processor. `progressive` is the file that
 * it made, where that holds what was encoded; `finished` names the tracks that are whole. Throws as `encodeFirst` does.
 */
export async function encodeRest(
  request: EncodeRequest & {
    finished: readonly { name: string; copied: boolean }[];
    progressive?: string | undefined;
  },
): Promise<RestOutcome> {
  return explained(async () => {
    const { finished, progressive, run } = request;
    const job = toJob(request);
    const work = { ...toWork(request), idle: true };
    job.sink.begin({ hasSound: job.probe.audio !== undefined });
    const ladder = chooseLadder({ ...job, mayCopy: finished.some(({ copied }) => copied) });
    const { picture: copied } = ladder.copied
      ? await copyTracks(job, work, { rendition: ladder.copied, sound: false })
      : {};
    const renditions = [...ladder.first, ...ladder.rest].filter(
      (rendition) => !finished.some(({ name }) => name === rendition.name),
    );
    const made = await encodeTracks(job, work, {
      ...{ renditions, copied, sound: false, early: false },
    });
    job.onProgress?.({ step: 'finishing' });
    const top = made.at(-1);
    if (!top || progressive === undefined) return {};
    const better = largestOf(ladder.first).width < top.track.width;
    if (!better) return {};
    const picture = fileOf(top.track);
    const names = { progressive: `${run}-video.mp4`, poster: `${run}-poster.jpg` };
    const sound = job.probe.audio ? progressive : undefined;
    await joinToFile(work, { picture, sound, to: names.progressive });
    await makeStills(work, [toPoster({ picture, to: names.poster })]);
    return names;
  });
}

async function makeFiles(job: Job, work: Work, made: { large: MadeTrack; small: MadeTrack }) {
  const { run, probe } = job;
  const { large, small } = made;
  const [progressive, poster] = [`${run}-video.mp4`, `${run}-poster.jpg`];
  const storyboard = { sheet: `${run}-storyboard.jpg`, list: `${run}-storyboard.vtt` };
  const picture = fileOf(small.track);
  const course = { picture, size: small.track, seconds: lengthOf(small) };
  const first = toPoster({ picture: fileOf(large.track), to: poster });
  await makeStills(work, [first, toSheet(course, storyboard)]);
  await writeSheetList(work, course, storyboard);
  const progressiveIsSource = await copyToFile(work, { source: job, to: progressive });
  const sound = probe.audio ? fileOf({ name: SOUND, copied: false }) : undefined;
  if (!progressiveIsSource) await joinToFile(work, { picture, sound, to: progressive });
  return { progressive, progressiveIsSource, poster, storyboard };
}

/** A still that waits for its sound to end has to be encoded. */
const mayCopy = ({ probe, ffmpeg }: Job): boolean => stillSeconds({ probe, filters: ffmpeg.filters }) === 0;

const largestOf = (renditions: readonly Rendition[]): { width: number; height: number } =>
  renditions.reduce((most, one) => (one.width > most.width ? one : most), { width: 0, height: 0 });

/** Two runs at a time; when one fails, the other is stopped. */
async function together<One, Other>(
  work: Work,
  one: (work: Work) => Promise<One>,
  other: (work: Work) => Promise<Other>,
): Promise<[One, Other]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, ...(work.signal ? [work.signal] : [])]);
  let failure: { error: unknown } | undefined;
  const fail = (error: unknown): never => {
    failure ??= { error };
    stop.abort();
    throw error;
  };
  const both = [one({ ...work, signal }).catch(fail), other({ ...work, signal }).catch(fail)] as const;
  await Promise.allSettled(both);
  if (failure) throw failure.error;
  return Promise.all(both);
}

async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainFailure(error);
  }
}

function toJob(request: EncodeRequest): Job {
  const { video } = request.probe;
  if (!video) throw damaged();
  const { videoLimits = defaultVideoLimits } = request;
  return { ...request, probe: { ...request.probe, video }, videoLimits };
}

function toWork(request: EncodeRequest): Work {
  const { ffmpeg, directory, signal, headStart, limits = defaultRunLimits(request.probe) } = request;
  return { ffmpeg, directory, limits, signal, headStart };
}
