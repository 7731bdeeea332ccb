// Statements that are built and compiled once and then only bound and run: for what every request asks.
import type { Compilable, Kysely } from 'kysely';
import type { Tables } from './tables.ts';

type Value = number | string | null | readonly number[];

/** Runs with these arguments outside of any transaction. */
export type Prepared<Args, Row> = (args: Args) => Promise<Row[]>;

export interface Prepare {
  /**
   * `build` writes the query with the properties of `args` in the place of values; it is called once, at the first run.
   * A list goes through the dialect's `anyOf`.
   */
  <Args extends Record<string, Value>, Row>(
    build: (read: Kysely<Tables>, args: Args) => Compilable<Row>,
  ): Prepared<Args, Row>;
}

/** For adapters: compiles `build`'s query; `bind` then puts arguments into its parameters in order. */
export function compilePrepared<Args extends Record<string, Value>, Row>(
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
