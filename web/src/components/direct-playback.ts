// What the browser plays by itself: the file, or a stream where it has its own HLS.
import type { Place, Playing } from './playback-recovery.ts';

export interface DirectPlayback {
  video: Playing & Pick<HTMLVideoElement, 'src' | 'removeAttribute' | 'load'>;
  source: string;
  place: Place;
  onBroken: () => void;
}

/** The answer takes everything down again. */
export function playDirectly({ video, source, place, onBroken }: DirectPlayback): () => void {
  const goBack = (): void => {
    if (place.from() > 0) video.currentTime = place.from();
  };
  const fail = (): void => {
    place.keep();
    onBroken();
  };
  video.addEventListener('loadedmetadata', goBack);
  video.addEventListener('error', fail);
  video.src = source;
  return () => {
    video.removeEventListener('loadedmetadata', goBack);
    video.removeEventListener('error', fail);
    video.removeAttribute('src');
    video.load();
  };
}
