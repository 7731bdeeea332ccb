// Plays a post's video: adaptive through hls.js where the browser has Media Source Extensions, else its own HLS, else
// the file itself. A stream may be played while it is still encoded; until its first playlist exists the player says so and
// looks again now and then. Little is loaded before somebody presses play.
import type Hls from 'hls.js';
import type { JSX, RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { isLive, refreshPost } from '../stores/posts.ts';
import type { Media } from '../wire/shapes.ts';
import { playDirectly } from './direct-playback.ts';
import { Icon } from './icons.tsx';
import { createPlace, type Place } from './playback-recovery.ts';
import { VideoCaptions } from './video-captions.tsx';
import { VideoScrubber } from './video-scrubber.tsx';
import { VideoStatus } from './video-status.tsx';

export interface VideoPlayerProps {
  postId: number;
  media: Media;
  own: boolean;
}

/** `hls` lets diagnostics (and tests) see levels and bandwidth of what plays. `renew` takes up levels that came later. */
type VideoElement = HTMLVideoElement & { hls?: Hls | undefined; renew?: (() => void) | undefined };

const LOOK_AGAIN_MS = 15_000;
const LOOK_AGAIN_WITHOUT_SOCKET_MS = 5000;

export function VideoPlayer({ postId, media, own }: VideoPlayerProps): JSX.Element {
  const ref = useRef<VideoElement>(null);
  const place = usePlace(ref);
  const [broken, setBroken] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const playlist = media.hls_url;
  const readiness = playlist === null ? 'pending' : 'ready';
  const hasSources = canUseMediaSource();
  const failed = media.failure !== undefined;
  const source = playlist ?? (hasSources && !failed ? null : media.file);

  useEffect(() => {
    const video = ref.current;
    if (!video || !place.current || source === null) return undefined;
    setBroken(false);
    const attachment = { video, source, place: place.current, onBroken: () => setBroken(true) };
    return whenNear(video, () => attach(attachment));
  }, [source, attempt]);

  const sizes = media.sizes?.length ?? 0;
  useEffect(() => ref.current?.renew?.(), [sizes]);
  useLooks(postId, failed || media.state === 'ready' || (playlist !== null && media.state === undefined));

  return (
    <div class={source === null || broken ? 'video video-veiled' : 'video'}>
      <div class="video-frame">
        <video
          ref={ref}
          data-testid="video"
          data-hls={failed ? 'failed' : readiness}
          controls={source !== null}
          playsInline
          preload="metadata"
          poster={media.poster}
          data-state={media.state}
          aria-label="Video"
          onPlay={(event) => pauseOthers(event.currentTarget)}
        >
          {media.captions?.map(({ id, language, label, file }) => (
            <track key={id} kind="captions" src={file} srcLang={language} label={label} />
          ))}
        </video>
        {source === null && <PreparingNote own={own} />}
        {broken && <BrokenNote onRetry={() => setAttempt(attempt + 1)} />}
      </div>
      {source !== null && media.storyboard !== undefined && (
        <VideoScrubber video={ref} storyboard={media.storyboard} />
      )}
      {source !== null && media.captions && <VideoCaptions video={ref} captions={media.captions} />}
      <VideoStatus postId={postId} media={media} own={own} />
    </div>
  );
}

/** Kept from one attempt to the next. */
function usePlace(video: RefObject<VideoElement | null>): RefObject<Place | null> {
  const place = useRef<Place>(null);
  useEffect(() => {
    const made = video.current && createPlace(video.current);
    place.current = made;
    return () => made?.stop();
  }, [video]);
  return place;
}

/** Reads the post again now and then until its video is settled. */
function useLooks(postId: number, settled: boolean): void {
  useEffect(() => {
    if (settled) return undefined;
    const every = isLive() ? LOOK_AGAIN_MS : LOOK_AGAIN_WITHOUT_SOCKET_MS;
    const timer = setInterval(() => {
      if (!document.hidden) void refreshPost(postId).catch(() => false);
    }, every);
    return () => clearInterval(timer);
  }, [postId, settled]);
}

function PreparingNote({ own }: { own: boolean }): JSX.Element {
  return (
    <p class="video-note" role="status">
      <Icon name="film" />
      {own ? 'Your video is being prepared' : 'This video is being prepared'}
    </p>
  );
}

function BrokenNote({ onRetry }: { onRetry: () => void }): JSX.Element {
  return (
    <p class="video-note" role="status">
      This video cannot be played right now.
      <button type="button" class="button button-small" onClick={onRetry}>
        Try again
      </button>
    </p>
  );
}

function canUseMediaSource(): boolean {
  return 'MediaSource' in globalThis || 'ManagedMediaSource' in globalThis;
}

/** Starts when the element comes near the viewport; the answer stops all of it. */
function whenNear(element: Element, start: () => () => void): () => void {
  let stop = (): void => undefined;
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      stop = start();
    },
    { rootMargin: '400px 0px' },
  );
  observer.observe(element);
  return () => {
    observer.disconnect();
    stop();
  };
}

interface Attachment {
  video: VideoElement;
  source: string;
  place: Place;
  onBroken: () => void;
}

function attach(attachment: Attachment): () => void {
  let detach = (): void => undefined;
  let left = false;
  if (!attachment.source.endsWith('.m3u8') || !canUseMediaSource()) return playDirectly(attachment);
  import('./hls-playback.ts').then(
    ({ playHls }) => {
      if (!left) detach = playHls(attachment);
    },
    () => attachment.onBroken(),
  );
  return () => {
    left = true;
    detach();
  };
}

function pauseOthers(playing: HTMLVideoElement): void {
  for (const video of document.querySelectorAll('video')) {
    if (video !== playing) video.pause();
  }
}
