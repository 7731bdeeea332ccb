// A bar to look for a place in a video: above it the small picture of that place, while somebody points or drags.
import type { JSX, RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { tellPlace } from '../texts/times.ts';
import { loadStoryboard, type Scene } from '../wire/videos.ts';

export interface VideoScrubberProps {
  video: RefObject<HTMLVideoElement | null>;
  /** Address of the storyboard. */
  storyboard: string;
}

interface Pointed {
  /** Seconds. */
  at: number;
  /** Of the bar, from 0 to 1. */
  share: number;
}

export function VideoScrubber({ video, storyboard }: VideoScrubberProps): JSX.Element {
  const [scenes, setScenes] = useState<Scene[]>();
  const [pointed, setPointed] = useState<Pointed>();
  const { time, duration } = useTime(video);
  const scene = pointed && scenes?.find(({ until }) => pointed.at < until);

  const point = (event: PointerEvent & { currentTarget: HTMLInputElement }): void => {
    if (!scenes) void loadStoryboard(storyboard).then(setScenes, () => setScenes([]));
    const { left, width } = event.currentTarget.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - left) / Math.max(1, width)));
    setPointed({ at: share * duration, share });
  };

  return (
    <div class="scrubber">
      {scene && (
        <div
          class="scrubber-scene"
          data-testid="scene"
          style={{
            left: placeOf(pointed?.share ?? 0, scene.width),
            width: `${scene.width}px`,
            height: `${scene.height}px`,
            backgroundImage: `url("${scene.sheet}")`,
            backgroundPosition: `${-scene.x}px ${-scene.y}px`,
          }}
        />
      )}
      <input
        type="range"
        data-testid="scrubber"
        aria-label="Place in the video"
        aria-valuetext={`${tellPlace(time)} of ${tellPlace(duration)}`}
        min={0}
        max={Math.max(duration, 0.1)}
        step={0.1}
        value={time}
        onPointerMove={point}
        onPointerLeave={() => setPointed(undefined)}
        onInput={(event) => {
          if (video.current) video.current.currentTime = Number(event.currentTarget.value);
        }}
      />
    </div>
  );
}

/** Above what is pointed at, but never out of the bar. */
const placeOf = (share: number, width: number): string =>
  `clamp(${width / 2}px, ${100 * share}%, calc(100% - ${width / 2}px))`;

function useTime(video: RefObject<HTMLVideoElement | null>): { time: number; duration: number } {
  const [state, setState] = useState({ time: 0, duration: 0 });
  useEffect(() => {
    const element = video.current;
    if (!element) return undefined;
    const follow = (): void => {
      const duration = Number.isFinite(element.duration) ? element.duration : 0;
      setState({ time: element.currentTime, duration });
    };
    const events = ['timeupdate', 'durationchange', 'seeking'];
    for (const name of events) element.addEventListener(name, follow);
    return () => {
      for (const name of events) element.removeEventListener(name, follow);
    };
  }, [video]);
  return state;
}
