// From a file in the store to everything a player needs, in two calls: what to begin with, and the rest.
import { mkdtemp, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ffmpeg } from '../../platform/ffmpeg/find.ts';
import { SNIFF_BYTES, sniffVideo } from './videos/containers.ts';
import { encodeFirst, encodeRest, type FirstOutcome, type RestOutcome } from './videos/encode.ts';
import { beginEarly } from './videos/head-start.ts';
import { defaultVideoLimits } from './videos/limits.ts';
import { probeVideo } from './videos/probe.ts';
import { VideoProblem } from './videos/problems.ts';
import type { EncodeProgress, StreamSink } from './videos/stream.ts';

export interface EncodeCall {
  /** Absolute path. */
  source: string;
  /** A fresh, empty folder. */
  folder: string;
  /** Begins the names of the files that are made: no two runs write the same. */
  run: string;
  sink: StreamSink;
  signal: AbortSignal;
  onProgress?: (progress: EncodeProgress) => void;
}

/** Both throw VideoProblem, whose message is a sentence for the owner, or what the sink throws. */
export interface VideoEncoder {
  encodeFirst(call: EncodeCall): Promise<FirstOutcome>;
  encodeRest(
    call: EncodeCall & {
      finished: readonly { name: string; copied: boolean }[];
      progressive?: string | undefined;
    },
  ): Promise<RestOutcome>;
}

export function createVideoEncoder(options: {
  ffmpeg: Ffmpeg;
  /** Short sides of the renditions, in pixels. */
  sizes: readonly number[];
  maxDurationMs: number;
}): VideoEncoder {
  const { ffmpeg, sizes: sides } = options;
  const videoLimits = { ...defaultVideoLimits, maxDurationSeconds: options.maxDurationMs / 1_000 };

  async function recognize({ source, folder, signal }: EncodeCall) {
    const container = sniffVideo(await readHead(source));
    if (!container) throw new VideoProblem('video_format_unknown', 'This file is not a video we can read.');
    return { ffmpeg, source, directory: folder, container, signal, videoLimits };
  }

  async function look(call: EncodeCall, known: Awaited<ReturnType<typeof recognize>>) {
    call.onProgress?.({ step: 'reading' });
    // A folder of its own, as little may be written there.
    const directory = await mkdtemp(join(call.folder, 'look-'));
    const probe = await probeVideo({ ...known, directory, limits: videoLimits });
    return { ...call, ...known, probe, sides };
  }

  return {
    async encodeFirst(call) {
      const known = await recognize(call);
      await using headStart = await beginEarly(known);
      return await encodeFirst({ ...(await look(call, known)), headStart });
    },
    async encodeRest(call) {
      return encodeRest({ ...call, ...(await look(call, await recognize(call))) });
    },
  };
}

async function readHead(path: string): Promise<Uint8Array> {
  await using file = await open(path, 'r');
  const { buffer, bytesRead } = await file.read(new Uint8Array(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
  return buffer.subarray(0, bytesRead);
}
