// Statements that are built and compiled once and then only bound and run: for what every request asks.
import type { Compilable, Kysely, Transaction } from 'kysely';
import type { Tables } from './tables.ts';

type Value = number | string | null | readonly number[];
export type PreparedArgs = Record<string, Value>;

/** Runs with these arguments outside of any transaction. */
export type Prepared<Args, Row> = (args: Args) => Promise<Row[]>;
/** Runs with these arguments inside the transaction. */
export type PreparedWithin<Args, Row> = (tx: Transaction<Tables>, args: Args) => Promise<Row[]>;

export interface Prepare {
  /**
   * `build` writes the query with the properties of `args` in the place of values; it is called once, at the first run.
   * A list goes through the dialect's `anyOf`.
   */
  <Args extends PreparedArgs, Row>(
    build: (read: Kysely<Tables>, args: Args) => Compilable<Row>,
  ): Prepared<Args, Row>;
}

/** The same for what runs inside transactions; a statement that changes rows answers those it returns. */
export interface PrepareWithin {
  <Args extends PreparedArgs, Row>(
    build: (db: Kysely<Tables>, args: Args) => Compilable<Row>,
  ): PreparedWithin<Args, Row>;
}

/** For adapters: compiles `build`'s query; `bind` then puts arguments into its parameters in order. */
export function compilePrepared<Args extends PreparedArgs, Row>(
  read: Kysely<Tables>,
  build: (read: Kysely<Tables>, args: Args) => Compilable<Row>,
): { sql: string; bind: (args: Args) => unknown[] } {
  const { sql: text, parameters } = build(read, placeholders as Args).compile();
  const names = parameters.map((value) => (value instanceof Placeholder ? value.name : undefined));
  return {
    sql: text,
    bind: (args) =>
      names.map((name, index) => {
        const value = name === undefined ? parameters[index] : args[name];
        return Array.isArray(value) ? JSON.stringify(value) : value;
      }),
  };
}

class Placeholder {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Any property asked of it is the placeholder of that name. */
const placeholders: object = new Proxy({}, { get: (_target, name) => new Placeholder(String(name)) });
