// Connections to PostgreSQL: two pools, of which one can only read. While the server is away, whoever needs a connection
// waits some seconds for it to come back.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { unavailable } from '../errors.ts';
import { type PostgresSettings, UnusablePostgres } from './settings.ts';

export interface Connections extends AsyncDisposable {
  /** Throws `unavailable` (`database_unavailable`) when none can be had within 5 s. */
  acquire(): Promise<pg.PoolClient>;
  /** The name that each of them keeps the plan of this statement under; undefined for one that is planned at each run. */
  nameOf(text: string): string | undefined;
  /** The one row of a statement, asked once: a server that is away is not waited for. */
  ask<Row>(text: string): Promise<Row>;
  /** In use and open, and callers that wait for one. */
  readonly size: { used: number; open: number; waiting: number };
}

/** How the server lists the connections of this program. */
export const APPLICATION_NAME = 'veranda';
export const WAIT_MS = 5_000;
const PAUSE_MS = 50;
/** Statements that are planned once for each connection; those past them are planned at each run. */
const NAMED_STATEMENTS = 500;
/** How many rows a search finds depends on its words alone: a plan for all words reads and sorts all that a common one finds. */
const SEARCHES = ' @@ ';

/** `readonly`: the server itself refuses writes. */
export function openConnections(
  settings: PostgresSettings & { readonly: boolean; size: number },
): Connections {
  const pool = new pg.Pool({ ...clientOptions(settings), max: settings.size, idleTimeoutMillis: 60_000 });
  // An idle connection that the server ended: the pool has let go of it, and the next one is a new one.
  pool.on('error', () => undefined);
  return {
    async acquire() {
      const giveUpAt = performance.now() + WAIT_MS;
      for (;;) {
        try {
          return await pool.connect();
        } catch (error) {
          if (!isUnreachable(error)) throw explainTls(error);
          if (performance.now() > giveUpAt) throw away(error);
          await delay(PAUSE_MS);
        }
      }
    },
    nameOf: (text) => (settings.preparedStatements && !text.includes(SEARCHES) ? nameOf(text) : undefined),
    async ask<Row>(text: string) {
      const { rows } = await pool.query(text);
      return rows[0] as Row;
    },
    get size() {
      const { totalCount: open, idleCount, waitingCount: waiting } = pool;
      return { used: open - idleCount, open, waiting };
    },
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

function clientOptions(settings: PostgresSettings & { readonly: boolean }): pg.ClientConfig {
  const { statementTimeoutMs, idleTransactionTimeoutMs, readonly } = settings;
  return {
    connectionString: settings.url,
    ssl: tlsOptions(settings),
    application_name: APPLICATION_NAME,
    connectionTimeoutMillis: WAIT_MS,
    keepAlive: true,
    types: { getTypeParser },
    statement_timeout: statementTimeoutMs,
    lock_timeout: Math.min(5_000, statementTimeoutMs),
    idle_in_transaction_session_timeout: idleTransactionTimeoutMs,
    // The server's own limit comes first; this one is for a server that does not answer at all.
    query_timeout: statementTimeoutMs + 5_000,
    ...(readonly && { options: '-c default_transaction_read_only=on' }),
  };
}

function tlsOptions({ tls, ca }: PostgresSettings): pg.ClientConfig['ssl'] {
  if (tls === 'off') return false;
  return { rejectUnauthorized: tls === 'verify', ...(ca !== undefined && { ca: readFileSync(ca, 'utf8') }) };
}

/** Whole numbers as numbers: ids, counts and times stay below 2^53; sums of them are `numeric`. */
const getTypeParser = ((oid: number, format?: 'text' | 'binary') =>
  oid === pg.types.builtins.INT8 || oid === pg.types.builtins.NUMERIC
    ? Number
    : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser;

const names = new Map<string, string>();
let generation = 0;

function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= NAMED_STATEMENTS) return known;
  const name = createHash('sha256').update(`${generation} ${text}`).digest('base64url').slice(0, 32);
  names.set(text, name);
  return name;
}

/**
 * Whether the plan that was kept under `name` is of no use any more, since another node has changed the tables. All plans are made
 * anew from now on, under other names, on every connection.
 */
export function isStalePlan(error: unknown, { text, name }: { text: string; name: string }): boolean {
  if (!(error instanceof pg.DatabaseError) || error.routine !== 'RevalidateCachedQuery') return false;
  if (names.get(text) === name) {
    generation += 1;
    names.clear();
  }
  return true;
}

const UNREACHABLE = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT', 'ETIMEDOUT', 'EADDRNOTAVAIL'],
  ...['EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN'],
  // Its name is not known, or nobody can be asked for it: that comes and goes too.
  ...['ENOTFOUND', 'EAI_AGAIN'],
  // Starting, stopping, crashed, too many connections.
  ...['57P01', '57P02', '57P03', '53300', '08000', '08001', '08003', '08004', '08006'],
]);

/** Whether the connection was lost or not to be had: what it was asked last may or may not have been done. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isUnreachable);
  if (!(error instanceof Error)) return false;
  // So a pooler says that it has lost the server or waits for it in vain.
  if (error instanceof pg.DatabaseError && error.code === '08P01') return error.severity === 'FATAL';
  if ('code' in error && typeof error.code === 'string') return UNREACHABLE.has(error.code);
  // What the driver says by itself has no code.
  return /^(Connection terminated|Client has encountered a connection error|timeout exceeded when|timeout expired|Query read timeout)/.test(
    error.message,
  );
}

function explainTls(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error.message.includes('does not support SSL')) return new UnusablePostgres('it does not speak TLS');
  const code = 'code' in error ? String(error.code) : '';
  return /CERT|VERIFY|ERR_TLS/.test(code)
    ? new UnusablePostgres('its certificate is not to be trusted')
    : error;
}

const away = (cause: unknown): Error =>
  Object.assign(
    unavailable('database_unavailable', 'The server is busy. Please try again.', { retryAfter: 5 }),
    { cause },
  );
