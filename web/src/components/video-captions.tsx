// Which captions a video shows: a menu beside the browser's own, which hides where there is little room.
import type { JSX, RefObject } from 'preact';
import { useState } from 'preact/hooks';
import type { Captions } from '../wire/shapes.ts';

export interface VideoCaptionsProps {
  video: RefObject<HTMLVideoElement | null>;
  captions: readonly Captions[];
}

const OFF = '';

export function VideoCaptions({ video, captions }: VideoCaptionsProps): JSX.Element {
  const [language, setLanguage] = useState(OFF);
  const choose = (wanted: string): void => {
    setLanguage(wanted);
    for (const track of video.current?.textTracks ?? [])
      track.mode = track.language === wanted ? 'showing' : 'disabled';
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
