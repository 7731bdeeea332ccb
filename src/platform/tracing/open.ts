// Traces where a collector is named. The libraries are loaded only then.
import { noTracing, type Tracing } from './tracing.ts';

export interface TracingSettings {
  /** The collector's address, without `/v1/traces`. */
  endpoint: string;
  headers: Record<string, string>;
  serviceName: string;
}

export async function openTracing(settings: TracingSettings | undefined): Promise<Tracing> {
  if (!settings) return noTracing;
  const { createOtelTracing } = await import('./otel.ts');
  return createOtelTracing(settings);
}
