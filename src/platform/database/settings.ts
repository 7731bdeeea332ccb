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
  statementTimeoutMs: number;
  /** An open transaction that nothing is asked of for so long is ended. */
  idleTransactionTimeoutMs: number;
}

/** A server that this program cannot work with; the message says why. */
export class UnusablePostgres extends Error {
  override readonly name = 'UnusablePostgres';
}

/** The file of SQLite. Throws for another engine. */
export function pathOf(settings: DatabaseSettings): string {
  if (settings.engine !== 'sqlite') throw new Error('This works on a database of SQLite');
  return settings.path;
}
