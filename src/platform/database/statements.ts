// For adapters: tells an observer of statements, by their texts, which have no values in them.
import type { LogEvent } from 'kysely';
import type { DatabaseObserver } from './database.ts';

type OnStatement = NonNullable<DatabaseObserver['onStatement']>;

/** What Kysely is given as its log, if anybody listens. */
export const logTo = (onStatement: OnStatement | undefined) =>
  onStatement && {
    log: ({ level, query, queryDurationMillis }: LogEvent) =>
      onStatement({ text: query.sql, ms: queryDurationMillis, failed: level === 'error' }),
  };

/** The same for what goes past Kysely, and is done when it returns. */
export function observe<T>(
  onStatement: OnStatement | undefined,
  { text, run }: { text: string; run: () => T },
): T {
  if (!onStatement) return run();
  const begun = performance.now();
  let failed = true;
  try {
    const result = run();
    failed = false;
    return result;
  } finally {
    onStatement({ text, ms: performance.now() - begun, failed });
  }
}
