// Counts in this process, written out in Prometheus' text format, with the process's own figures beside them.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Description, Metrics, Sample } from './metrics.ts';

/** A scrape waits this long for what has to be looked up. */
const PATIENCE_MS = 1_000;

export function createPrometheusMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const describe = <Label extends string>({ name, help, labels = [] }: Description<Label>) => ({
    ...{ name, help, labelNames: labels },
    registers: [registry],
  });
  return {
    counter(description) {
      const counter = new Counter(describe(description));
      return { add: (labels, by = 1) => counter.inc(labels, by) };
    },
    histogram(description, buckets) {
      const histogram = new Histogram({ ...describe(description), buckets: [...buckets] });
      return { observe: (labels, seconds) => histogram.observe(labels, seconds) };
    },
    gauge(description, read) {
      const gauge = new Gauge({
        ...describe(description),
        async collect() {
          const samples = await withPatience(async () => read());
          gauge.reset();
          for (const { labels, value } of samples) gauge.set(labels, value);
        },
      });
    },
    write: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}

async function withPatience<Label extends string>(
  read: () => Promise<readonly Sample<Label>[]>,
): Promise<readonly Sample<Label>[]> {
  const { promise, resolve } = Promise.withResolvers<readonly Sample<Label>[]>();
  const timer = setTimeout(() => resolve([]), PATIENCE_MS);
  try {
    return await Promise.race([read(), promise]);
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
  }
}
