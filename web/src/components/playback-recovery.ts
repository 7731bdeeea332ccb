// What a video goes back to when it is loaded anew, and how often that is tried.

/** In a row. */
const MOST_RECOVERIES = 3;
/** Seconds: a viewer who has seen so much more is past what failed. That something is loaded says little: what stands before it always is. */
const PAST = 2;

/** What of a video element is used here. */
export type Playing = Pick<
  HTMLVideoElement,
  'currentTime' | 'paused' | 'play' | 'addEventListener' | 'removeEventListener'
>;

export type Place = ReturnType<typeof createPlace>;

/**
 * Where the viewer is, and whether the video plays: while it is loaded anew, or cannot be played until the viewer wants
 * it tried again, the element stands at its beginning and rests.
 */
export function createPlace(video: Playing) {
  let kept: { at: number; playing: boolean } | undefined;
  const resume = (): void => {
    if (kept?.playing) void play(video);
  };
  // Only now does it stand there again: a failure before that goes back to the same place.
  const forget = (): void => {
    kept = undefined;
  };
  video.addEventListener('loadedmetadata', resume);
  video.addEventListener('canplay', forget);
  return {
    keep(): number {
      kept ??= { at: video.currentTime, playing: false };
      kept.playing ||= !video.paused;
      return kept.at;
    },
    /** Where what is loaded begins. */
    from: (): number => kept?.at ?? 0,
    stop(): void {
      video.removeEventListener('loadedmetadata', resume);
      video.removeEventListener('canplay', forget);
    },
  };
}

/** Counts failures of which each came before the video had got past the one before. */
export function createRecovery(video: Playing) {
  let count = 0;
  let failedAt = 0;
  const look = (): void => {
    if (video.currentTime > failedAt + PAST) count = 0;
  };
  video.addEventListener('timeupdate', look);
  return {
    mayTry(at: number): boolean {
      failedAt = at;
      count += 1;
      return count <= MOST_RECOVERIES;
    },
    stop: (): void => video.removeEventListener('timeupdate', look),
  };
}

/** A browser may refuse it; then the viewer presses play. */
async function play(video: Playing): Promise<void> {
  await video.play().catch(() => undefined);
}
