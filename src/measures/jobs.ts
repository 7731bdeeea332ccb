// Jobs: what this process ran, and what is in the queue of all processes, looked up at a scrape and kept for some seconds.
import type { JobsOverview } from '../platform/jobs/overview.ts';
import type { AroundRun } from '../platform/jobs/runs.ts';
import type { Metrics } from '../platform/metrics/metrics.ts';
import { keepFor } from './keep.ts';

const BUCKETS = [0.01, 0.1, 1, 5, 15, 60, 300, 1_200, 3_600];
const KEPT_MS = 5_000;

export function measureRuns(metrics: Metrics): AroundRun {
  const seconds = metrics.histogram(
    {
      name: 'veranda_job_duration_seconds',
      help: 'Time that jobs ran in this process.',
      labels: ['kind', 'outcome'],
    },
    BUCKETS,
  );
  return async ({ kind }, run) => {
    const begun = performance.now();
    const outcome = await run();
    seconds.observe({ kind, outcome }, (performance.now() - begun) / 1_000);
    return outcome;
  };
}

export function measureJobs(metrics: Metrics): (overview: JobsOverview) => JobsOverview {
  return (overview) => {
    const tally = keepFor(KEPT_MS, overview.tally);
    metrics.gauge(
      { name: 'veranda_jobs', help: 'Jobs in the queue of all processes.', labels: ['kind', 'state'] },
      async () =>
        (await tally()).map(({ kind, state, count }) => ({ labels: { kind, state }, value: count })),
    );
    metrics.gauge(
      {
        name: 'veranda_jobs_oldest_waiting_seconds',
        help: 'For how long the job that waits longest could have run.',
      },
      async () => {
        const ages = (await tally()).map(({ waitingMs }) => waitingMs);
        return [{ labels: {}, value: Math.max(0, ...ages) / 1_000 }];
      },
    );
    return overview;
  };
}
