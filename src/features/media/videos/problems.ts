// Why a video cannot be published, in a sentence for the person who sent it. What ffmpeg said is only in `cause`.

import { FfmpegFailed } from '../../../platform/ffmpeg/run.ts';

export type VideoProblemCode =
  | 'video_format_unknown'
  | 'video_codec_unsupported'
  | 'video_track_missing'
  | 'video_too_large'
  | 'video_too_long'
  | 'video_too_many_tracks'
  | 'video_too_complex'
  | 'video_damaged'
  | 'video_aborted'
  | 'video_interrupted';

export class VideoProblem extends Error {
  override readonly name = 'VideoProblem';
  readonly code: VideoProblemCode;
  /** Whether the same file may go well another time: the fault was this machine's, not the file's. */
  readonly retryable: boolean;

  constructor(code: VideoProblemCode, message: string, more: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? {} : { cause: more.cause });
    this.code = code;
    this.retryable = more.retryable ?? false;
  }
}

export const damaged = (cause?: unknown): VideoProblem =>
  new VideoProblem('video_damaged', 'This video is damaged or incomplete.', { cause });

export const tooComplex = (cause?: unknown): VideoProblem =>
  new VideoProblem('video_too_complex', 'This video takes too much work to process.', { cause });

export const interrupted = (cause?: unknown): VideoProblem =>
  new VideoProblem('video_interrupted', 'Processing this video was interrupted.', { retryable: true, cause });

/** What a failed run or a full disk means for the video; anything else is passed through. */
export function explainFailure(error: unknown): unknown {
  if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return interrupted(error);
  if (!(error instanceof FfmpegFailed)) return error;
  switch (error.reason) {
    case 'aborted':
      return new VideoProblem('video_aborted', 'Processing this video was stopped.', {
        retryable: true,
        cause: error,
      });
    case 'timeout':
    case 'cpu':
    case 'output':
    case 'memory':
      return tooComplex(error);
    case 'killed':
    case 'disk_full':
    case 'not_started':
      return interrupted(error);
    case 'exit':
      return damaged(error);
  }
}
