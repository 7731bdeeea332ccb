// hls.js on one video element. Its own file, so that hls.js is loaded only by pages with a video on them.
import Hls from 'hls.js';
import { createRecovery, type Place } from './playback-recovery.ts';

export interface HlsPlayback {
  video: HTMLVideoElement & { hls?: Hls | undefined; renew?: (() => void) | undefined };
  /** Path of the master playlist. */
  source: string;
  place: Place;
  onBroken: () => void;
}

/** The answer takes everything down again. */
export function playHls({ video, source, place, onBroken }: HlsPlayback): () => void {
  const hls = new Hls({
    // A playlist that still grows counts as live; a viewer wants its beginning all the same.
    startPosition: place.from(),
    capLevelToPlayerSize: true,
    // The page's content policy allows no foreign worker file, and fragments need no repackaging.
    enableWorker: false,
    // Captions are the element's own tracks: hls.js would load an empty one from a `data:` address.
    renderTextTracksNatively: false,
    enableWebVTT: false,
    // Enough to show the first picture; playing raises it.
    maxBufferLength: 4,
    maxMaxBufferLength: 4,
    backBufferLength: 60,
  });
  video.hls = hls;
  const bufferMore = (): void => {
    hls.config.maxBufferLength = 30;
    hls.config.maxMaxBufferLength = 120;
  };
  hls.loadSource(source);
  hls.attachMedia(video);
  video.addEventListener('play', bufferMore, { once: true });
  const reload = (): void => {
    hls.config.startPosition = place.keep();
    hls.loadSource(source);
  };
  const recovery = createRecovery(video);
  hls.on(Hls.Events.ERROR, (_event, data) => {
    if (!data.fatal) return;
    const at = place.keep();
    if (!recovery.mayTry(at)) {
      hls.destroy();
      onBroken();
    } else if (data.type === Hls.ErrorTypes.MEDIA_ERROR) {
      hls.recoverMediaError();
    } else {
      reload();
    }
  });
  const renewal = createRenewal({ video, reload });
  video.renew = renewal.ask;
  return () => {
    video.removeEventListener('play', bufferMore);
    for (const part of [renewal, recovery]) part.stop();
    hls.destroy();
    video.hls = undefined;
    video.renew = undefined;
  };
}

const RESTS = ['pause', 'seeking'];

/** Reads the master playlist again when that disturbs nobody: before the video plays, or when it rests. */
function createRenewal({ video, reload }: { video: HTMLVideoElement; reload: () => void }) {
  let wanted = false;
  const renew = (): void => {
    if (!wanted || video.ended) return;
    wanted = false;
    reload();
  };
  for (const rest of RESTS) video.addEventListener(rest, renew);
  return {
    ask(): void {
      wanted = true;
      if (video.paused) renew();
    },
    stop(): void {
      for (const rest of RESTS) video.removeEventListener(rest, renew);
    },
  };
}
