// What a run over a stranger's video may take.

import type { RunLimits } from '../../../platform/ffmpeg/sandbox.ts';
import type { VideoProbe } from './probe-report.ts';

const GIB = 1024 ** 3;

/** Generous: even a slow machine encodes a second of video in half a minute. A still longer run is stuck. */
export function defaultRunLimits(probe: Pick<VideoProbe, 'durationSeconds' | 'video'>): RunLimits {
  const pixels = (probe.video?.width ?? 0) * (probe.video?.height ?? 0);
  const seconds = 120 + 30 * probe.durationSeconds;
  return {
    wallMs: 1000 * seconds,
    cpuSeconds: 4 * seconds,
    memoryBytes: 3 * GIB + 100 * pixels,
    outputBytes: GIB + Math.ceil(8e6 * probe.durationSeconds),
  };
}
