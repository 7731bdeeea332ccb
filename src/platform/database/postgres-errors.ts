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

/** The same of what was to change something: a server that takes no writes now may be followed by one that does. */
export function explainWrite(error: unknown): unknown {
  if (!refusesWrites(error)) return explain(error);
  return Object.assign(
    unavailable('database_read_only', 'Nothing can be changed right now. Please try again.', {
      retryAfter: 5,
    }),
    { cause: error },
  );
}

/** read_only_sql_transaction: a standby, or one that an operator keeps from being written. */
export const refusesWrites = (error: unknown): boolean => codeOf(error) === '25006';

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
