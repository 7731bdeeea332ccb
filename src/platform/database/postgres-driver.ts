// Kysely's driver for PostgreSQL. What fails says how much is certain: nothing was committed, or nobody knows.
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from 'kysely';
import type pg from 'pg';
import { invalid } from '../errors.ts';
import { type Connections, isStalePlan, isUnreachable, WAIT_MS } from './postgres-connections.ts';
import { explain, refusesWrites } from './postgres-errors.ts';

/** The connection was lost while COMMIT was on its way: the transaction may have happened or not. */
export class CommitInDoubt extends Error {
  override readonly name = 'CommitInDoubt';
}

/** Another node has changed the tables since the statement was planned; its transaction is to be done again. */
export class StalePlan extends Error {
  override readonly name = 'StalePlan';
}

export class PostgresDriver implements Driver {
  readonly #connections: Connections;
  readonly #readonly: boolean;

  constructor(connections: Connections, options: { readonly: boolean }) {
    this.#connections = connections;
    this.#readonly = options.readonly;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PostgresConnection> {
    return openConnection(this.#connections, { readonly: this.#readonly });
  }

  async beginTransaction(
    connection: PostgresConnection,
    { isolationLevel }: TransactionSettings,
  ): Promise<void> {
    connection.stay();
    await connection.run(isolationLevel ? `begin isolation level ${isolationLevel}` : 'begin');
  }

  async commitTransaction(connection: PostgresConnection): Promise<void> {
    const { command } = await connection.run('commit').catch((cause: unknown) => {
      if (!isUnreachable(cause)) throw cause;
      throw new CommitInDoubt('The connection to the database was lost during a commit', { cause });
    });
    // So the server answers a commit after a statement that failed.
    if (command !== 'COMMIT')
      throw new Error('A transaction in which a statement had failed was to be committed');
  }

  /** A connection that cannot even do this is thrown away, and the server rolls back by itself. */
  async rollbackTransaction(connection: PostgresConnection): Promise<void> {
    await connection.run('rollback').catch(() => connection.breakOff());
  }

  async releaseConnection(connection: PostgresConnection): Promise<void> {
    connection.release();
  }

  async destroy(): Promise<void> {}
}

/**
 * With `readonly`, outside of a transaction, a statement whose connection was lost is run again on another one, for 5 s: it may be
 * what the server dies of.
 */
export async function openConnection(
  connections: Connections,
  { readonly }: { readonly: boolean },
): Promise<PostgresConnection> {
  return new PostgresConnection(await connections.acquire(), { connections, readonly });
}

interface RunOptions {
  values?: readonly unknown[];
  rowMode?: 'array';
}

export class PostgresConnection implements DatabaseConnection {
  #client: pg.PoolClient;
  readonly #connections: Connections;
  readonly #readonly: boolean;
  /** Whether what was lost is run again on another connection. */
  #isReplaceable: boolean;
  #isBroken = false;
  #isHeld = true;
  readonly #onError = (): void => this.breakOff();

  constructor(
    client: pg.PoolClient,
    { connections, readonly }: { connections: Connections; readonly: boolean },
  ) {
    this.#client = client.on('error', this.#onError);
    this.#connections = connections;
    this.#readonly = readonly;
    this.#isReplaceable = readonly;
  }

  async executeQuery<Row>({ sql: text, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const { command, rowCount, rows } = await this.run(text, { values: parameters });
    const changes = command === 'INSERT' || command === 'UPDATE' || command === 'DELETE';
    return { rows: rows as Row[], ...(changes && { numAffectedRows: BigInt(rowCount ?? 0) }) };
  }

  streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('This driver does not stream; read in pages');
  }

  /**
   * `rowMode: 'array'` answers rows as values in the order of the fields. Errors of writing are left to whoever does it again;
   * a read that was in vain is over.
   */
  async run(text: string, options: RunOptions = {}): Promise<pg.QueryResult> {
    try {
      return await this.#persist(text, options);
    } catch (error) {
      throw this.#readonly ? explain(error) : error;
    }
  }

  async #persist(text: string, { values = [], rowMode }: RunOptions): Promise<pg.QueryResult> {
    refuseNul(values);
    let giveUpAt: number | undefined;
    for (;;) {
      const name = values.length > 0 ? this.#connections.nameOf(text) : undefined;
      const query = { text, values: [...values], name, rowMode } as pg.QueryConfig;
      try {
        return await this.#client.query(query);
      } catch (error) {
        if (name !== undefined && isStalePlan(error, { text, name })) {
          if (!this.#isReplaceable) throw new StalePlan('The tables have changed', { cause: error });
          continue;
        }
        // The next connection leads to whoever writes from now on.
        if (refusesWrites(error)) this.breakOff();
        if (!isUnreachable(error)) throw error;
        this.breakOff();
        giveUpAt ??= performance.now() + WAIT_MS;
        if (!this.#isReplaceable || performance.now() > giveUpAt) throw error;
        await this.#renew();
      }
    }
  }

  /** From now on what is run belongs together. */
  stay(): void {
    this.#isReplaceable = false;
  }

  breakOff(): void {
    this.#isBroken = true;
  }

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#client.off('error', this.#onError);
    this.#client.release(this.#isBroken);
  }

  /** Gives its place up before it waits for another: where all were lost at once, there is none else to be had. */
  async #renew(): Promise<void> {
    this.release();
    const client = await this.#connections.acquire();
    this.#client = client.on('error', this.#onError);
    this.#isBroken = false;
    this.#isHeld = true;
  }
}

/** Texts of this server hold any character but this one. What is stored is checked for it; what is only looked for comes here. */
function refuseNul(values: readonly unknown[]): void {
  if (values.some((value) => typeof value === 'string' && value.includes('\0')))
    throw invalid('text_not_valid', 'This text has characters that are not valid.');
}
