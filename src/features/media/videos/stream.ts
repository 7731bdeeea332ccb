// What an encode tells of the tracks it makes, piece by piece, to whoever publishes them.

import type { MadeSegment } from './segments.ts';

export interface StreamTrack {
  /** Names its folder; unique in a video. */
  name: string;
  kind: 'picture' | 'sound';
  /** The source's own picture. */
  copied: boolean;
  /** Zero for sound. */
  width: number;
  height: number;
  /** Frames a second; zero for sound. */
  frameRate: number;
  /** RFC 6381, e.g. `avc1.64001F`. */
  codecs: string;
  /** What no segment lasts longer than, rounded: a playlist may not change it while it grows. */
  targetSeconds: number;
  /** bit/s, as far as it can be said before the track is whole. */
  bandwidth: number;
  /** Whether it is worth listing before it is whole. */
  early: boolean;
}

export interface StreamSink {
  /** Before anything else. */
  begin(video: { hasSound: boolean }): void;
  /** `at` is the first segment's number. Files lie in the track's folder of the work directory and may be moved away. */
  append(track: StreamTrack, pieces: { at: number; segments: MadeSegment[] }): Promise<void>;
  /** Everything of the track was appended and has been checked. */
  finish(track: StreamTrack): Promise<void>;
}

export interface EncodeProgress {
  step: 'reading' | 'encoding' | 'finishing';
  /** While encoding: whose, and how much of it is there, from 0 to 1. */
  track?: string;
  fraction?: number;
}

/** A track of whose picture the codec is not known yet. */
export type PlannedTrack = Omit<StreamTrack, 'codecs'> & { codecs?: string };
