// Traces where a collector is named. The libraries are loaded only then.
import { noTracing, type Tracing, type TracingSettings } from './tracing.ts';

export async function openTracing(settings: TracingSettings | undefined): Promise<Tracing> {
  if (!settings) return noTracing;
  const { createOtelTracing } = await import('./otel.ts');
  return createOtelTracing(settings);
}
