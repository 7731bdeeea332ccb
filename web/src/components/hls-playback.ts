// hls.js on one video element. Its own file, so that hls.js is loaded only by pages with a video on them.
import Hls from 'hls.js/light';

export interface HlsPlayback {
  video: HTMLVideoElement & { hls?: Hls | undefined };
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
  return () => {
    video.removeEventListener('play', bufferMore);
    hls.destroy();
    video.hls = undefined;
  };
}
