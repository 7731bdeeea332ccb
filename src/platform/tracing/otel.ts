// Traces by OpenTelemetry, sent over OTLP/HTTP in batches beside the work. A collector that is away costs nothing: what does not fit
// into the queue is dropped.
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import type { SpanDescription, Tracing, TracingSettings } from './tracing.ts';

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
};
const QUEUE = { maxQueueSize: 2_048, maxExportBatchSize: 512, scheduledDelayMillis: 1_000 };
const EXPORT_MS = 3_000;
/** At the stop, for what is still in the queue. */
const LAST_MS = 2_000;

export function createOtelTracing({ endpoint, headers, serviceName }: TracingSettings): Tracing {
  const exporter = new OTLPTraceExporter({
    ...{ url: `${endpoint}/v1/traces`, headers },
    timeoutMillis: EXPORT_MS,
  });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName }),
    spanProcessors: [new BatchSpanProcessor(exporter, { ...QUEUE, exportTimeoutMillis: EXPORT_MS })],
  });
  const tracer = provider.getTracer('veranda');
  const current = new AsyncLocalStorage<Context>();
  const start = ({ name, kind = 'internal', attributes = {} }: SpanDescription, more = {}): Span =>
    tracer.startSpan(name, { kind: KINDS[kind], attributes, ...more }, current.getStore() ?? ROOT_CONTEXT);

  return {
    isOn: true,
    begin(description, parent) {
      const span = current.run(readParent(parent), () => start(description));
      const context = trace.setSpan(ROOT_CONTEXT, span);
      return {
        enter: (next) => current.run(context, next),
        end({ attributes, failed }) {
          span.setAttributes(attributes);
          finish(span, failed);
        },
      };
    },
    async within(description, work) {
      const span = start(description);
      let failed = true;
      try {
        const result = await current.run(trace.setSpan(ROOT_CONTEXT, span), work);
        failed = false;
        return result;
      } finally {
        finish(span, failed);
      }
    },
    note(description, { ms, failed }) {
      const now = Date.now();
      finish(start(description, { startTime: now - ms }), failed, now);
    },
    async [Symbol.asyncDispose]() {
      const last = new AbortController();
      const giveUp = delay(LAST_MS, undefined, { signal: last.signal }).catch(() => undefined);
      await Promise.race([provider.shutdown().catch(() => undefined), giveUp]);
      last.abort();
    },
  };
}

function finish(span: Span, failed: boolean, at?: number): void {
  if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(at);
}

function readParent(header: string | undefined): Context {
  const [, traceId = '', spanId = '', flags = ''] =
    /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(header ?? '') ?? [];
  const parent = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(parent) ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
}
