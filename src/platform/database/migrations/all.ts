// Every migration in order. Forward only; a file that has been released never changes. They add and take nothing away (only-add.test.ts
// sees to it), since the version before serves on beside the new one.
import type { Kysely } from 'kysely';
import type { SchemaDialect } from '../dialect.ts';
import * as first from './001-first.ts';
import * as imports from './002-imports.ts';
import * as storagePerPerson from './003-storage-per-person.ts';
import * as usernameSkeletons from './004-username-skeletons.ts';
import * as changedAt from './005-changed-at.ts';
import * as leaseNumbers from './006-lease-numbers.ts';
import * as uploadParts from './007-upload-parts.ts';
import * as pictures from './008-pictures.ts';
import * as growingStreams from './009-growing-streams.ts';
import * as requestsOfJobs from './010-requests-of-jobs.ts';
import * as shortPrefixes from './011-short-prefixes.ts';
import * as newestFollowers from './012-newest-followers.ts';

export interface Migration {
  up(db: Kysely<unknown>, schema: SchemaDialect): Promise<void>;
  /**
   * What it takes away after all, as `table` or `table.column`: only what the version before, as it was released, neither reads nor
   * writes any more.
   */
  readonly removes?: readonly string[];
}

export const migrations: readonly (readonly [number: number, migration: Migration])[] = [
  [1, first],
  [2, imports],
  [3, storagePerPerson],
  [4, usernameSkeletons],
  [5, changedAt],
  [6, leaseNumbers],
  [7, uploadParts],
  [8, pictures],
  [9, growingStreams],
  [10, requestsOfJobs],
  [11, shortPrefixes],
  [12, newestFollowers],
];
