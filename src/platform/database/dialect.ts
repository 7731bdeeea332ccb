// Every difference between database engines, in one object. No other file asks which engine it is.
import type { Kysely, RawBuilder } from 'kysely';
import type { Tables } from './tables.ts';

export interface Dialect {
  /** Whether `error` says that a unique index (on `column`, when given, as `table.column`) refused a row. */
  isUniqueViolation(error: unknown, column?: string): boolean;
  /** The values of a list that is one argument, for `in`: a statement is the same however long the list. */
  anyOf(list: readonly number[]): RawBuilder<number>;
  /** From now on `table` gives ids above `upTo` only (and above all that it gave before). */
  reserveIds(
    tx: Kysely<Tables>,
    table: 'users' | 'profiles' | 'posts' | 'media',
    upTo: number,
  ): Promise<void>;
  readonly search: SearchDialect;
}

/** The full-text index over posts: terms go in and come out as made by the posts feature. */
export interface SearchDialect {
  /** Puts the terms of one document in place of what was indexed under its id. */
  index(tx: Kysely<Tables>, id: number, terms: readonly string[]): Promise<void>;
  remove(tx: Kysely<Tables>, ids: readonly number[]): Promise<void>;
  /**
   * A subquery of rows `(id, matched)`: documents that have a term that begins with one of `prefixes`, and how many of the prefixes do so.
   * Of each only the `most` newest documents count, so that no query costs more than they do.
   */
  matches(prefixes: readonly string[], most: number): RawBuilder<{ id: number; matched: number }>;
}
