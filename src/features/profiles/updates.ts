// Changing one's own profile: picture, cover, bio and names. A replaced picture's file goes with it.
import { sql } from 'kysely';
import type { Database, Transaction } from '../../platform/database/database.ts';
import { DomainError, invalidFields } from '../../platform/errors.ts';
import type { Jobs } from '../../platform/jobs/jobs.ts';
import { removeAfterCommit } from '../../platform/storage/removal.ts';
import { isLonger } from '../../platform/text-length.ts';
import type { Users, Viewer } from '../users/index.ts';
import type { ProfilePictures } from './profile-pictures.ts';

export interface ProfileChange {
  viewer: Viewer;
  picture?: Buffer | undefined;
  cover?: Buffer | undefined;
  bio?: string | undefined;
  firstName?: string | undefined;
  lastName?: string | undefined;
}

/** Changes what is given and keeps the rest. Throws `invalid`, `unsupported` or `too_large` for a bad picture or text. */
export type UpdateProfile = (change: ProfileChange) => Promise<void>;

const MAX_BIO_CHARACTERS = 500;

interface UpdateOptions {
  database: Database;
  users: Users;
  jobs: Jobs;
  pictures: ProfilePictures;
}

export function createUpdateProfile({ database, users, jobs, pictures }: UpdateOptions): UpdateProfile {
  return async ({ viewer, picture, cover, bio, firstName, lastName }) => {
    if (bio !== undefined) checkBio(bio);
    const pictureKey = picture ? await pictures.store(picture, 'picture') : undefined;
    const coverKey = cover ? await pictures.store(cover, 'cover').catch(discarding(pictureKey)) : undefined;
    const changes = {
      ...(pictureKey !== undefined && { pictureKey }),
      ...(coverKey !== undefined && { coverKey }),
      ...(bio !== undefined && { bio }),
    };
    const names = {
      ...(firstName !== undefined && { firstName }),
      ...(lastName !== undefined && { lastName }),
    };

    const write = database.transaction(async (tx) => {
      await database.dialect.lock(tx, `profile:${viewer.profileId}`);
      if (Object.keys(names).length > 0) await users.accounts.rename(tx, { userId: viewer.userId, ...names });
      await touchPosts(tx, viewer.profileId);
      if (Object.keys(changes).length === 0) return;
      const old = await tx
        .selectFrom('profiles')
        .select(['pictureKey', 'coverKey'])
        .where('id', '=', viewer.profileId)
        .executeTakeFirstOrThrow();
      await tx.updateTable('profiles').set(changes).where('id', '=', viewer.profileId).execute();
      await removeAfterCommit(jobs, tx, {
        keys: [pictureKey ? old.pictureKey : null, coverKey ? old.coverKey : null],
      });
    });
    await write.catch(discarding(pictureKey, coverKey));
  };

  function discarding(...keys: (string | undefined)[]): (error: unknown) => Promise<never> {
    return async (error) => {
      // Only a refusal is certain to have committed nothing; after anything else the sweep decides.
      if (error instanceof DomainError) for (const key of keys) await pictures.discard(key ?? null);
      throw error;
    };
  }
}

function checkBio(bio: string): void {
  if (isLonger(bio, MAX_BIO_CHARACTERS))
    throw invalidFields({ bio: [`Ensure this field has no more than ${MAX_BIO_CHARACTERS} characters.`] });
  if (!bio.isWellFormed() || bio.includes('\0'))
    throw invalidFields({ bio: ['This field has characters that are not valid.'] });
}

/** Every post that shows this profile, as author or liker, looks another way now. */
export async function touchPosts(tx: Transaction, profileId: number): Promise<void> {
  await tx
    .updateTable('posts')
    .set({ version: sql<number>`version + 1` })
    .where('id', 'in', (select) =>
      select
        .selectFrom('posts')
        .select((row) => row.fn.coalesce('rootId', 'id').as('id'))
        .where('authorId', '=', profileId)
        .union(select.selectFrom('likes').select('postId as id').where('profileId', '=', profileId)),
    )
    .execute();
}
