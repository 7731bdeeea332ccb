// Avatars and covers, after everything that is words. One that somebody has set here since is left alone.
import { removeAfterCommit } from '../../platform/storage/removal.ts';
import type { Jobs } from '../../platform/jobs/jobs.ts';
import type { PictureRecords } from '../../platform/pictures/records.ts';
import { touchPosts } from '../profiles/index.ts';
import { type Outcome, type Run, walk } from './pass.ts';
import { profilePictures, type RowOf } from './source-tables.ts';
import type { StoredFiles } from './stored-files.ts';

interface Role {
  name: 'picture' | 'cover';
  column: 'profile_picture' | 'cover_image';
  key: 'pictureKey' | 'coverKey';
}

const roles: readonly Role[] = [
  { name: 'picture', column: 'profile_picture', key: 'pictureKey' },
  { name: 'cover', column: 'cover_image', key: 'coverKey' },
];

/** The original names it for whoever has no picture, and does not have it. */
const DEFAULT_PICTURE = 'default_profile_picture.png';
const BATCH = 25;

export async function takeProfilePictures(
  run: Run,
  { files, jobs, records }: { files: StoredFiles; jobs: Jobs; records: PictureRecords },
): Promise<void> {
  for (const role of roles) {
    const pathOf = (row: RowOf<typeof profilePictures>): string => row[role.column];
    await walk(run, {
      source: profilePictures,
      name: `${profilePictures.table}.${role.column}`,
      batch: BATCH,
      isEmpty: (row) => ['', DEFAULT_PICTURE].includes(pathOf(row)),
      prepare: async (rows) => {
        const taken = await run.ledger.resolve(run.database.read, {
          table: 'Users_profile',
          ids: rows.map((row) => row.id),
        });
        const stored = rows
          .filter((row) => taken.has(row.id))
          .map(async (row) => {
            const file = { id: row.id, path: pathOf(row), role: role.name };
            return [row.id, await files.storeProfilePicture(file)] as const;
          });
        return new Map(await Promise.all(stored));
      },
      async take(tx, rows, stored) {
        const outcomes = new Map<number, Outcome>();
        for (const { id } of rows) {
          const file = stored.get(id);
          if (!file || 'problem' in file) {
            outcomes.set(id, { refused: file?.problem ?? `profile ${id} was not taken` });
            continue;
          }
          const { numUpdatedRows } = await tx
            .updateTable('profiles')
            .set({ [role.key]: file.stored.key })
            .where('id', '=', id)
            .where(role.key, 'is', null)
            .executeTakeFirst();
          if (numUpdatedRows > 0n) {
            await records.add(tx, { ...file.stored, shownOn: id, isBulk: true });
            await touchPosts(tx, id);
          } else await removeAfterCommit(jobs, tx, { keys: [file.stored.key] });
          outcomes.set(id, { localId: id });
        }
        return outcomes;
      },
    });
  }
}
