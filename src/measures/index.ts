// What the site's parts are measured by: each part is given out again with a counter around it, and knows nothing of that.
import type { Metrics } from '../platform/metrics/metrics.ts';
import { measureBus } from './bus.ts';
import { measureDatabase } from './database.ts';
import { measureJobs, measureRuns } from './jobs.ts';
import { measureLimits } from './limits.ts';
import { measureEncoder, measureUploads } from './media.ts';

export function createMeasures(metrics: Metrics) {
  return {
    database: measureDatabase(metrics),
    bus: measureBus(metrics),
    limits: measureLimits(metrics),
    runs: measureRuns(metrics),
    jobs: measureJobs(metrics),
    encoder: measureEncoder(metrics),
    uploads: measureUploads(metrics),
  };
}
