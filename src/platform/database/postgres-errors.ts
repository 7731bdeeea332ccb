// What the server's errors mean to those who asked for something.
import { DomainError, unavailable } from '../errors.ts';
import { isUnreachable } from './postgres-connections.ts';

/** Whether the server has rolled back what ran into another transaction. */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error);
  // serialization_failure, deadlock_detected.
  return code === '40001' || code === '40P01';
}

/** What somebody can wait for is said; anything else stays a fault. */
export function explain(error: unknown): unknown {
  if (error instanceof DomainError) return error;
  const code = codeOf(error);
  // lock_not_available, query_canceled (by the time limit).
  if (code === '55P03' || code === '57014' || isConflict(error) || isUnreachable(error))
    return Object.assign(
      unavailable('database_busy', 'The server is busy. Please try again.', { retryAfter: 2 }),
      { cause: error },
    );
  if (code === '53100')
    return unavailable('storage_full', 'The server has no space left. Please try again later.', {
      retryAfter: 60,
    });
  return error;
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
