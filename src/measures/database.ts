// Transactions as verbs see them, from the asking to the commit, and the connections that they wait for.
import type { Database, DatabaseObserver } from '../platform/database/database.ts';
import { DomainError } from '../platform/errors.ts';
import type { Metrics } from '../platform/metrics/metrics.ts';
import type { Tracing } from '../platform/tracing/tracing.ts';
import { traceStatements } from './traces.ts';

const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export function measureDatabase(metrics: Metrics, tracing: Tracing) {
  const seconds = metrics.histogram(
    {
      name: 'veranda_database_transaction_duration_seconds',
      help: 'Time from asking for a transaction until it is committed or rolled back, with waiting and retries.',
      labels: ['outcome'],
    },
    BUCKETS,
  );
  const retries = metrics.counter({
    name: 'veranda_database_retries_total',
    help: 'Transactions begun again after a conflict or a lost connection.',
  });

  return {
    observer: {
      onRetry: () => retries.add({}),
      ...(tracing.isOn && { onStatement: traceStatements(tracing) }),
    } satisfies DatabaseObserver,
    around(database: Database): Database {
      const { pool } = database;
      if (pool)
        metrics.gauge(
          {
            name: 'veranda_database_connections',
            help: 'Connections to PostgreSQL in use and idle, and callers that wait for one.',
            labels: ['state'],
          },
          () => Object.entries(pool()).map(([state, value]) => ({ labels: { state }, value })),
        );
      return {
        ...database,
        async transaction(work, options) {
          const begun = performance.now();
          let outcome = 'committed';
          try {
            return await database.transaction(work, options);
          } catch (error) {
            outcome = outcomeOf(error);
            throw error;
          } finally {
            seconds.observe({ outcome }, (performance.now() - begun) / 1_000);
          }
        },
      };
    },
  };
}

/** What a verb refuses is no fault of the database. */
function outcomeOf(error: unknown): string {
  if (!(error instanceof DomainError)) return 'failed';
  return error.kind === 'unavailable' ? 'unavailable' : 'refused';
}
