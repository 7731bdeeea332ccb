// What the site's parts are measured by: each part is given out again with a counter around it, and knows nothing of that.
import type { Metrics } from '../platform/metrics/metrics.ts';
import type { VideoEncoder } from '../features/media/index.ts';
import type { Tracing } from '../platform/tracing/tracing.ts';
import { measureBus } from './bus.ts';
import { measureDatabase } from './database.ts';
import { measureJobs, measureRuns } from './jobs.ts';
import { measureLimits } from './limits.ts';
import { measureEncoder, measureUploads } from './media.ts';
import { traceEncoder, traceRuns } from './traces.ts';

export type Measures = ReturnType<typeof createMeasures>;

export function createMeasures(metrics: Metrics, tracing: Tracing) {
  const runs = measureRuns(metrics);
  const encoder = measureEncoder(metrics);
  return {
    database: measureDatabase(metrics, tracing),
    bus: measureBus(metrics),
    limits: measureLimits(metrics),
    runs: traceRuns(tracing, runs),
    jobs: measureJobs(metrics),
    encoder: (given: VideoEncoder) => encoder(traceEncoder(tracing, given)),
    uploads: measureUploads(metrics),
  };
}
