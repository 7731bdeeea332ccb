// Every difference between database engines, in one object. No other file asks which engine it is.
import type { Kysely, RawBuilder, SqlBool } from 'kysely';
import type { TableShape } from './catalog.ts';
import type { Tables } from './tables.ts';

/** What is changed by one transaction at a time. */
export type LockName =
  | `${'thread' | 'storage' | 'session' | 'account' | 'profile'}:${number}`
  | `username:${string}`
  | 'migrations'
  | 'backup';

export interface Dialect {
  /** Whether `error` says that a unique index (on `column`, when given, as `table.column`) refused a row. */
  isUniqueViolation(error: unknown, column?: string): boolean;
  /** The values of a list that is one argument, for `in`: a statement is the same however long the list. */
  anyOf(list: readonly number[]): RawBuilder<number>;
  /** Whether the column (as `where` takes it) is one of the list, for what every request asks: planned once, however long the list. */
  isOneOf(column: string, list: readonly number[]): RawBuilder<SqlBool>;
  /**
   * Until `tx` ends, others that name the same lock wait here. True when it may have been waited for: what was read before is
   * old then, and has to be read again. Locks are taken in the order thread, storage, others, so that no two transactions wait for each other.
   */
  lock(tx: Kysely<Tables>, name: LockName): Promise<boolean>;
  /** For the rest of `tx` a statement has an hour, also behind a pooler, and a lock is waited for this long. */
  takeTime(tx: Kysely<Tables>, limits: { lockWaitMs: number }): Promise<void>;
  /** Passes rows that another transaction has locked, and locks those it gives. */
  skipLocked<Query>(query: Query): Query;
  /** From now on `table` gives ids above `upTo` only (and above all that it gave before). */
  reserveIds(tx: Kysely<Tables>, table: string, upTo: number): Promise<void>;
  readonly catalog: CatalogDialect;
  readonly search: SearchDialect;
  readonly schema: SchemaDialect;
}

/** For those who work on tables as such and not on what is in them. */
export interface CatalogDialect {
  describeTables(db: Kysely<Tables>): Promise<TableShape[]>;
  hasTable(db: Kysely<Tables>, name: string): Promise<boolean>;
  /** The highest id that `table` ever gave, also to a row that is gone; 0 for none. */
  lastIdOf(db: Kysely<Tables>, table: string): Promise<number>;
  /** A table of one column `value` with the elements of a JSON array, each to be taken apart by `->>`. */
  elementsOf(json: string): RawBuilder<unknown>;
  canHold(text: string): boolean;
}

/** What migrations write differently. */
export interface SchemaDialect {
  /** The type of a primary key that the database gives and never gives again. */
  readonly id: string;
  /** Of whole numbers up to 2^53. */
  readonly integer: string;
  /** After the columns of a table, and of one that is kept in the order of its primary key. */
  readonly table: string;
  readonly ordered: string;
  /** A unique index over a number and a text of any length. */
  uniqueText(index: { name: string; table: string; columns: [number: string, text: string] }): string;
  /** The full-text index of posts, as it was first. */
  readonly search: readonly string[];
  /** Another in its place, empty, where short prefixes are quicker that way. */
  readonly searchByPrefix: readonly string[];
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
