// Counts where somebody may ask for it. The library is loaded only then.
import { type Metrics, noMetrics } from './metrics.ts';

export async function openMetrics({ isOn }: { isOn: boolean }): Promise<Metrics> {
  if (!isOn) return noMetrics;
  const { createPrometheusMetrics } = await import('./prometheus.ts');
  return createPrometheusMetrics();
}
