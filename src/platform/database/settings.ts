// What the configuration says of a database.

export type DatabaseSettings = SqliteSettings | PostgresSettings;

export interface SqliteSettings {
  engine: 'sqlite';
  path: string;
}

export interface PostgresSettings {
  engine: 'postgres';
  /** `postgres://user:password@host:port/name`. */
  url: string;
  /** `on` encrypts and trusts whoever answers; `verify` looks at the certificate too. */
  tls: 'off' | 'on' | 'verify';
  /** Path of the certificate authority's certificate (PEM), when the system does not know it. */
  ca?: string | undefined;
  /** Connections of this process. */
  poolSize: number;
  /** Whether connections keep plans under a name: not where a pooler hands them to another client in between. */
  preparedStatements: boolean;
  statementTimeoutMs: number;
  /** An open transaction that nothing is asked of for so long is ended. */
  idleTransactionTimeoutMs: number;
}

/** A server that this program cannot work with; the message says why. */
export class UnusablePostgres extends Error {
  override readonly name = 'UnusablePostgres';
}

/** How people tell a database: never with its password. */
export function placeOf(settings: DatabaseSettings): string {
  if (settings.engine === 'sqlite') return settings.path;
  const { host, pathname } = new URL(settings.url);
  return `${host}${pathname}`;
}

export const PATIENCE_MS = 3_600_000;

/** For work that takes as long as it takes, and whose transactions may wait for the other side. */
export function withPatience(settings: DatabaseSettings): DatabaseSettings {
  if (settings.engine === 'sqlite') return settings;
  return {
    ...settings,
    ...{ poolSize: 4, statementTimeoutMs: PATIENCE_MS, idleTransactionTimeoutMs: PATIENCE_MS },
  };
}
