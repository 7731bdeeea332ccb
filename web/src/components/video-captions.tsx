// Which captions a video shows.
import type Hls from 'hls.js';
import type { JSX, RefObject } from 'preact';
import { useState } from 'preact/hooks';
import type { Captions } from '../wire/shapes.ts';

export interface VideoCaptionsProps {
  video: RefObject<(HTMLVideoElement & { hls?: Hls | undefined }) | null>;
  captions: readonly Captions[];
}

const OFF = '';

export function VideoCaptions({ video, captions }: VideoCaptionsProps): JSX.Element {
  const [language, setLanguage] = useState(OFF);
  const choose = (wanted: string): void => {
    setLanguage(wanted);
    const hls = video.current?.hls;
    if (!hls) return;
    hls.subtitleTrack = hls.subtitleTracks.findIndex(({ lang }) => lang === wanted);
    hls.subtitleDisplay = wanted !== OFF;
  };
  return (
    <label class="video-captions">
      Captions{' '}
      <select data-testid="captions" value={language} onChange={(event) => choose(event.currentTarget.value)}>
        <option value={OFF}>Off</option>
        {captions.map((track) => (
          <option key={track.id} value={track.language}>
            {track.label}
          </option>
        ))}
      </select>
    </label>
  );
}
