// A database of its own for a test, and a folder that goes with it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/config.ts';
import type { Database } from '../../src/platform/database/database.ts';
import { migrate } from '../../src/platform/database/migrate.ts';
import { openDatabase } from '../../src/platform/database/open.ts';
import { databaseSettings, dropDatabase } from './engines.ts';

export interface TestDatabase extends AsyncDisposable {
  readonly database: Database;
  /** The file of the database, on SQLite. */
  readonly path: string;
  /** The folder it lies in, for a test's other files. */
  readonly folder: string;
  /** The same database as another process has it. */
  reopen(): Promise<Database>;
  /** What effects have thrown. */
  readonly errors: unknown[];
}

/** Migrated, unless `empty`. */
export async function openTestDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'veranda-database-'));
  const path = join(folder, 'veranda.db');
  const errors: unknown[] = [];
  const place = await databaseSettings(folder, { migrated: !empty });
  const { database: settings } = readConfig({ DATA_DIR: folder, ...place });
  const database = await openDatabase(settings, (error) => errors.push(error));
  if (!empty) await migrate(database, Date.now);
  return {
    ...{ database, path, folder, errors },
    reopen: () => openDatabase(settings, (error) => errors.push(error)),
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      await dropDatabase(folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Somebody with a profile. Answers the profile's id and the user's. */
export async function insertPerson(
  database: Database,
  username: string,
): Promise<{ userId: number; profileId: number }> {
  return database.transaction(async (tx) => {
    const user = await tx
      .insertInto('users')
      .values({
        username,
        usernameKey: username,
        email: `${username}@example.org`,
        emailKey: `${username}@example.org`,
        firstName: username,
        lastName: 'Tester',
        passwordHash: '',
        role: 'user',
        createdAt: 0,
        suspendedAt: null,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    const profile = await tx
      .insertInto('profiles')
      .values({ userId: user.id, pictureKey: null, coverKey: null, createdAt: 0 })
      .returning('id')
      .executeTakeFirstOrThrow();
    return { userId: user.id, profileId: profile.id };
  });
}

/** A post without words. Answers its id. */
export async function insertPost(database: Database, authorId: number): Promise<number> {
  const { id } = await database.transaction((tx) =>
    tx
      .insertInto('posts')
      .values({ authorId, parentId: null, rootId: null, text: '', createdAt: 0, editedAt: null })
      .returning('id')
      .executeTakeFirstOrThrow(),
  );
  return id;
}
