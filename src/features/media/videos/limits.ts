// How large a stranger's video may be.

export interface VideoLimits {
  /** Width times height of one frame. */
  maxPixels: number;
  maxSide: number;
  maxDurationSeconds: number;
  /** That the index tells of; a file need not bring them to make its reader count them. */
  maxFrames: number;
  /** Of all kinds, in one file. */
  maxStreams: number;
}

export const defaultVideoLimits: VideoLimits = {
  maxPixels: 8192 * 4608,
  maxSide: 8192,
  maxDurationSeconds: 4 * 60 * 60,
  maxFrames: 4 * 60 * 60 * 240,
  maxStreams: 64,
};
