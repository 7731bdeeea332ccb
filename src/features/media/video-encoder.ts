// From a file in the store to everything a player needs, in one call.
import { open } from 'node:fs/promises';
import type { Ffmpeg } from '../../platform/ffmpeg/find.ts';
import { SNIFF_BYTES, sniffVideo } from './videos/containers.ts';
import { type EncodedVideo, encodeVideo } from './videos/encode.ts';
import { defaultVideoLimits } from './videos/limits.ts';
import { probeVideo } from './videos/probe.ts';
import { VideoProblem } from './videos/problems.ts';
import { chooseRenditions } from './videos/renditions.ts';

export interface VideoEncoder {
  /** Fills the fresh, empty `folder`. Throws VideoProblem, whose message is a sentence for the owner. */
  encode(request: { source: string; folder: string; signal: AbortSignal }): Promise<EncodedVideo>;
}

export function createVideoEncoder(options: {
  ffmpeg: Ffmpeg;
  /** Short sides of the renditions, in pixels. */
  sizes: readonly number[];
  maxDurationMs: number;
}): VideoEncoder {
  const { ffmpeg, sizes } = options;
  const videoLimits = { ...defaultVideoLimits, maxDurationSeconds: options.maxDurationMs / 1_000 };
  return {
    async encode({ source, folder, signal }) {
      const container = sniffVideo(await readHead(source));
      if (!container) throw new VideoProblem('video_format_unknown', 'This file is not a video we can read.');
      const request = { ffmpeg, source, directory: folder, container, signal };
      const probe = await probeVideo({ ...request, limits: videoLimits });
      if (!probe.video) throw new VideoProblem('video_track_missing', 'This file has no video track.');
      const renditions = chooseRenditions(probe.video, sizes);
      return encodeVideo({ ...request, probe, renditions, videoLimits });
    },
  };
}

async function readHead(path: string): Promise<Uint8Array> {
  await using file = await open(path, 'r');
  const { buffer, bytesRead } = await file.read(new Uint8Array(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
  return buffer.subarray(0, bytesRead);
}
