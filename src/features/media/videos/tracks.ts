// The tracks of a stream, each checked before it is called whole: the picture as it came, renditions, the sound.

import type { Ffmpeg } from '../../../platform/ffmpeg/find.ts';
import { FfmpegFailed } from '../../../platform/ffmpeg/run.ts';
import { isUnbroken, isWellGrouped } from './copying.ts';
import type { VideoContainer } from './containers.ts';
import {
  copyArguments,
  encodeArguments,
  expectedSeconds,
  type PictureProbe,
  SOUND,
  soundArguments,
  toleratedSeconds,
} from './encode-arguments.ts';
import { toNumber } from './frame-rates.ts';
import type { VideoLimits } from './limits.ts';
import { type MadeTrack, runPass } from './passes.ts';
import { targetDuration, totalSeconds } from './playlists.ts';
import { damaged, VideoProblem } from './problems.ts';
import type { Work } from './progressive.ts';
import type { Rendition } from './renditions.ts';
import { SEGMENT_SECONDS } from './segments.ts';
import { SOUND_CODEC } from './master-playlist.ts';
import type { EncodeProgress, PlannedTrack, StreamSink } from './stream.ts';

export interface TrackJob {
  ffmpeg: Ffmpeg;
  source: string;
  container: VideoContainer;
  probe: PictureProbe;
  videoLimits: VideoLimits;
  run: string;
  sink: StreamSink;
  onProgress?: ((progress: EncodeProgress) => void) | undefined;
}

const SOUND_BIT_RATE = 128_000;
/** A variable rate, and what the file around it takes. */
const SOUND_PEAK = 1.1;
/** Segments of a copied track that are told of at once: the first, then the others. */
const FIRST_BATCHES = [2, 8];
const BATCH = 64;

/** Both as they came. Hands on nothing before it was looked at whole; what is undefined has to be encoded after all. */
export async function copyTracks(
  job: TrackJob,
  work: Work,
  wanted: { rendition: Rendition; sound: boolean },
): Promise<{ picture?: MadeTrack | undefined; sound?: MadeTrack | undefined }> {
  const planned = { ...planPicture(wanted.rendition), copied: true, early: true };
  const args = copyArguments({ ...toSources(job), sound: wanted.sound });
  const tracks = wanted.sound ? [planned, planSound(job.probe.audio?.bitRate)] : [planned];
  const copied = await runPass(work, { args, source: job.source, run: job.run, tracks }).catch(
    (error: unknown) => {
      if (isOfTheCopy(error)) return undefined;
      throw error;
    },
  );
  if (!copied) return {};
  const [picture, sound] = copied.made;
  const expected = expectedSeconds({ probe: job.probe, filters: job.ffmpeg.filters });
  const unbroken = sound && isUnbroken({ ...sound.seen, seconds: lengthOf(sound) }, expected);
  return {
    picture: picture && isWellCut(picture, expected) ? asLongAsItIs(picture) : undefined,
    sound: unbroken ? asLongAsItIs(sound) : undefined,
  };
}

const isWellCut = (made: MadeTrack, expected: number): boolean =>
  made.seen.independent &&
  isWellGrouped(made.seen, lengthOf(made)) &&
  Math.abs(lengthOf(made) - expected) <= toleratedSeconds(expected);

const asLongAsItIs = (made: MadeTrack): MadeTrack => ({
  ...made,
  track: { ...made.track, targetSeconds: targetDuration(asListed(made)) },
});

/** Whether what failed may well go otherwise when the picture is encoded: a group of pictures that is too large to be held, too. */
function isOfTheCopy(error: unknown): boolean {
  if (error instanceof FfmpegFailed) return error.reason === 'exit' || error.reason === 'memory';
  return error instanceof VideoProblem && error.code === 'video_damaged';
}

/** Tells of a copied track, the first segments on their own: viewers are not to wait for all of a film to be stored. */
export async function handOn(
  job: Pick<TrackJob, 'sink'>,
  { track, segments }: Pick<MadeTrack, 'track' | 'segments'>,
): Promise<void> {
  let at = 0;
  for (let turn = 0; at < segments.length; turn += 1) {
    const some = segments.slice(at, at + (FIRST_BATCHES[turn] ?? BATCH));
    await job.sink.append(track, { at, segments: some });
    at += some.length;
  }
  await job.sink.finish(track);
}

/** All of one decode, with the sound if it is wanted, and cut where a copied track is. */
export async function encodeTracks(
  job: TrackJob,
  work: Work,
  wanted: { renditions: Rendition[]; copied: MadeTrack | undefined; sound: boolean; early: boolean },
): Promise<MadeTrack[]> {
  const { renditions, copied, sound, early } = wanted;
  if (renditions.length === 0) return [];
  const cuts = copied && findCuts(copied);
  const targetSeconds = copied?.track.targetSeconds ?? SEGMENT_SECONDS;
  const tracks = renditions.map((rendition) => ({ ...planPicture(rendition), early, targetSeconds }));
  const { made, reached } = await runPass(work, {
    args: encodeArguments({ ...toSources(job), renditions, sound, cuts, early, filters: job.ffmpeg.filters }),
    ...{ source: job.source, run: job.run, sink: job.sink, ends: cuts },
    tracks: [...tracks, ...(sound ? [planSound()] : [])],
    onTime: (seconds) => {
      const fraction = Math.min(1, seconds / Math.max(job.probe.durationSeconds, 0.001));
      for (const { name } of renditions) job.onProgress?.({ step: 'encoding', track: name, fraction });
    },
  });
  refuseMisfits(job, { made, reached });
  for (const { track } of made) await job.sink.finish(track);
  return made;
}

export async function encodeSound(job: TrackJob, work: Work): Promise<MadeTrack[]> {
  const args = soundArguments(toSources(job));
  const { made } = await runPass(work, {
    ...{ args, source: job.source, run: job.run, sink: job.sink, tracks: [planSound()] },
  });
  for (const { track } of made) await job.sink.finish(track);
  return made;
}

/** When the segments of a track but the last end. */
function findCuts({ segments }: MadeTrack): number[] {
  let at = 0;
  return segments.slice(0, -1).map(({ seconds }) => (at += seconds));
}

export const lengthOf = (made: MadeTrack): number => totalSeconds(asListed(made));

const toSources = ({ source, container, probe, videoLimits }: TrackJob) => ({
  ...{ source, container, probe, limits: videoLimits },
});

function planPicture(rendition: Rendition): PlannedTrack {
  const { name, width, height, frameRate, maxrate } = rendition;
  return {
    ...{ name, width, height, frameRate: toNumber(frameRate), bandwidth: 1000 * maxrate },
    ...{ kind: 'picture', copied: false, early: false, targetSeconds: SEGMENT_SECONDS },
  };
}

const planSound = (bitRate = SOUND_BIT_RATE): PlannedTrack => ({
  ...{ name: SOUND, kind: 'sound', copied: false, width: 0, height: 0, frameRate: 0 },
  ...{ targetSeconds: SEGMENT_SECONDS, bandwidth: Math.round(SOUND_PEAK * bitRate), early: true },
  codecs: SOUND_CODEC,
});

const asListed = ({ segments }: MadeTrack) => segments.map(({ file, seconds }) => ({ uri: file, seconds }));

/** A source that is cut short decodes without an error; only the length tells. */
function refuseMisfits(job: TrackJob, of: { made: MadeTrack[]; reached: number }): void {
  const pictures = of.made.filter(({ track }) => track.kind === 'picture');
  const [first, ...others] = pictures;
  if (!first) throw damaged();
  const seconds = lengthOf(first);
  const frame = 1 / first.track.frameRate;
  for (const { segments } of others) {
    const aligned = segments.every(
      (segment, place) => Math.abs(segment.seconds - (first.segments[place]?.seconds ?? 0)) <= frame,
    );
    if (segments.length !== first.segments.length || !aligned)
      throw new Error('The renditions are cut at different times.');
  }
  const expected = expectedSeconds({ probe: job.probe, filters: job.ffmpeg.filters });
  const tolerance = toleratedSeconds(expected);
  // Where only the whole file's length is known, the sound may be what is that long.
  const longest = job.probe.video.durationSeconds === undefined ? Math.max(seconds, of.reached) : seconds;
  if (longest < expected - tolerance || seconds > expected + tolerance) throw damaged();
}
