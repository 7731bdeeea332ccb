// Statements that are built and compiled once and then only bound and run: for what every request asks.
import type { Compilable, CompiledQuery, Kysely, Transaction } from 'kysely';
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
   * A list goes through the dialect's `isOneOf`.
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

/** `bind` puts arguments into the parameters of `query` in order. */
export interface PreparedQuery<Args, Row = unknown> {
  query: CompiledQuery<Row>;
  bind: (args: Args) => unknown[];
}

/** For adapters: compiles `build`'s query. `encodeList` gives a list the form in which the driver takes it. */
export function compilePrepared<Args extends PreparedArgs, Row>(
  read: Kysely<Tables>,
  build: (read: Kysely<Tables>, args: Args) => Compilable<Row>,
  encodeList: (list: readonly number[]) => unknown,
): PreparedQuery<Args, Row> {
  const query = build(read, placeholders as Args).compile();
  const names = query.parameters.map((value) => (value instanceof Placeholder ? value.name : undefined));
  return {
    query,
    bind: (args) =>
      names.map((name, index) => {
        const value = name === undefined ? query.parameters[index] : args[name];
        return Array.isArray(value) ? encodeList(value) : value;
      }),
  };
}

/** For adapters: a row made of bare values. */
export function toRow(names: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (let index = 0; index < names.length; index += 1) row[names[index] ?? ''] = values[index];
  return row;
}

export const toCamelCase = (name: string): string =>
  name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

class Placeholder {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Any property asked of it is the placeholder of that name. */
const placeholders: object = new Proxy({}, { get: (_target, name) => new Placeholder(String(name)) });
