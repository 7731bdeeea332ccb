// Spans around jobs, encodes and statements of the database.
import type { VideoEncoder } from '../features/media/index.ts';
import type { DatabaseObserver } from '../platform/database/database.ts';
import type { AroundRun } from '../platform/jobs/runs.ts';
import type { Tracing } from '../platform/tracing/tracing.ts';

export function traceRuns(tracing: Tracing, around: AroundRun): AroundRun {
  if (!tracing.isOn) return around;
  return (job, run) => {
    const { id, kind, attempt, requestId } = job;
    const attributes = {
      ...{ 'job.id': id, 'job.kind': kind, 'job.attempt': attempt },
      ...(requestId !== undefined && { 'request.id': requestId }),
    };
    return tracing.within({ name: `job ${job.kind}`, kind: 'consumer', attributes }, () => around(job, run));
  };
}

export function traceEncoder(tracing: Tracing, encoder: VideoEncoder): VideoEncoder {
  if (!tracing.isOn) return encoder;
  return {
    encodeFirst: (call) => tracing.within({ name: 'encode first' }, () => encoder.encodeFirst(call)),
    encodeRest: (call) => tracing.within({ name: 'encode rest' }, () => encoder.encodeRest(call)),
  };
}

export function traceStatements(tracing: Tracing): NonNullable<DatabaseObserver['onStatement']> {
  return ({ text, ms, failed }) => {
    const name = nameOf(text);
    tracing.note({ name, kind: 'client', attributes: { 'db.query.summary': name } }, { ms, failed });
  };
}

/** What a statement does to which table, such as `select posts`. */
function nameOf(text: string): string {
  const verb = /^[\s(]*(\w+)/.exec(text)?.[1]?.toLowerCase() ?? 'statement';
  const table = /\b(?:from|into|update)\s+["`]?(\w+)/i.exec(text)?.[1];
  return table === undefined ? verb : `${verb} ${table}`;
}
