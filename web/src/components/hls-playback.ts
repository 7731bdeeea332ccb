// hls.js on one video element. Its own file, so that hls.js is loaded only by pages with a video on them.
import Hls from 'hls.js';

export interface HlsPlayback {
  video: HTMLVideoElement & { hls?: Hls | undefined; renew?: (() => void) | undefined };
  /** Path of the master playlist. */
  source: string;
  onBroken: () => void;
}

const MOST_RECOVERIES = 3;

/** The answer takes everything down again. */
export function playHls({ video, source, onBroken }: HlsPlayback): () => void {
  const hls = new Hls({
    // A playlist that still grows counts as live; a viewer wants its beginning all the same.
    startPosition: 0,
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
  let recoveries = 0;
  hls.on(Hls.Events.ERROR, (_event, data) => {
    if (!data.fatal) return;
    recoveries += 1;
    if (recoveries > MOST_RECOVERIES) {
      hls.destroy();
      onBroken();
    } else if (data.type === Hls.ErrorTypes.MEDIA_ERROR) {
      hls.recoverMediaError();
    } else {
      hls.loadSource(source);
    }
  });
  hls.loadSource(source);
  hls.attachMedia(video);
  video.addEventListener('play', bufferMore, { once: true });
  const renewal = createRenewal({ hls, video, source });
  video.renew = renewal.ask;
  return () => {
    video.removeEventListener('play', bufferMore);
    renewal.stop();
    hls.destroy();
    video.hls = undefined;
    video.renew = undefined;
  };
}

const RESTS = ['pause', 'seeking'];

/** Reads the master playlist again when that disturbs nobody: before the video plays, or when it rests. */
function createRenewal({ hls, video, source }: Pick<HlsPlayback, 'video' | 'source'> & { hls: Hls }) {
  let wanted = false;
  const renew = (): void => {
    if (!wanted || video.ended) return;
    wanted = false;
    const resume = !video.paused;
    hls.config.startPosition = video.currentTime;
    hls.loadSource(source);
    if (resume) video.addEventListener('loadedmetadata', () => void play(video), { once: true });
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

/** A browser may refuse it; then the viewer presses play. */
async function play(video: HTMLVideoElement): Promise<void> {
  await video.play().catch(() => undefined);
}
