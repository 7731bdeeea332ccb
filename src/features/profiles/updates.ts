// Changing one's own profile: picture, cover, bio and names. A replaced picture's file goes with it.
import { sql } from 'kysely';
import type { Database, Transaction } from '../../platform/database/database.ts';
import { DomainError, invalidFields } from '../../platform/errors.ts';
import type { Jobs } from '../../platform/jobs/jobs.ts';
import { checkDescription, type Description, type PictureRecords } from '../../platform/pictures/records.ts';
import { removeAfterCommit } from '../../platform/storage/removal.ts';
import { isLonger } from '../../platform/text-length.ts';
import type { Users, Viewer } from '../users/index.ts';
import type { ProfilePictures, StoredProfilePicture } from './profile-pictures.ts';

export interface ProfileChange {
  viewer: Viewer;
  picture?: Buffer | undefined;
  cover?: Buffer | undefined;
  /** Of the new picture, if there is one, else of the present one; likewise for the cover. */
  aboutPicture?: Description | undefined;
  aboutCover?: Description | undefined;
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
  records: PictureRecords;
}

export function createUpdateProfile(options: UpdateOptions): UpdateProfile {
  const { database, users, pictures } = options;
  return async ({ viewer, bio, firstName, lastName, ...change }) => {
    if (bio !== undefined) checkBio(bio);
    for (const about of [change.aboutPicture, change.aboutCover]) if (about) checkDescription(about);
    const picture = change.picture && (await pictures.store(change.picture, 'picture'));
    const cover = change.cover && (await pictures.store(change.cover, 'cover').catch(discarding(picture)));
    const names = {
      ...(firstName !== undefined && { firstName }),
      ...(lastName !== undefined && { lastName }),
    };

    const write = database.transaction(async (tx) => {
      await database.dialect.lock(tx, `profile:${viewer.profileId}`);
      if (Object.keys(names).length > 0) await users.accounts.rename(tx, { userId: viewer.userId, ...names });
      if (isShown({ ...change, ...names, bio })) await touchPosts(tx, viewer.profileId);
      if (bio !== undefined)
        await tx.updateTable('profiles').set({ bio }).where('id', '=', viewer.profileId).execute();
      const { aboutPicture, aboutCover } = change;
      await show(tx, { ...options, column: 'pictureKey', stored: picture, about: aboutPicture, viewer });
      await show(tx, { ...options, column: 'coverKey', stored: cover, about: aboutCover, viewer });
    });
    await write.catch(discarding(picture, cover));
    // A post that was liked or written meanwhile may have been shown with the picture before, which is gone.
    if (picture ?? cover)
      await database.transaction((tx) => touchPosts(tx, viewer.profileId), { idempotent: true });
  };

  function discarding(...stored: (StoredProfilePicture | undefined)[]): (error: unknown) => Promise<never> {
    return async (error) => {
      // Only a refusal is certain to have committed nothing; after anything else the sweep decides.
      if (error instanceof DomainError) for (const one of stored) await pictures.discard(one?.key ?? null);
      throw error;
    };
  }
}

/** Whether posts that show the profile show anything of the change. */
const isShown = ({ picture, cover, bio, firstName, lastName }: Omit<ProfileChange, 'viewer'>): boolean =>
  [picture, cover, bio, firstName, lastName].some((one) => one !== undefined);

interface Shown extends Pick<UpdateOptions, 'jobs' | 'records'> {
  viewer: Viewer;
  column: 'pictureKey' | 'coverKey';
  /** What takes the place of the present picture. */
  stored: StoredProfilePicture | undefined;
  about: Description | undefined;
}

async function show(
  tx: Transaction,
  { viewer, column, stored, about = {}, jobs, records }: Shown,
): Promise<void> {
  if (!stored && about.alt === undefined && about.focus === undefined) return;
  const { [column]: old } = await tx
    .selectFrom('profiles')
    .select(column)
    .where('id', '=', viewer.profileId)
    .executeTakeFirstOrThrow();
  if (stored) {
    await tx
      .updateTable('profiles')
      .set({ [column]: stored.key })
      .where('id', '=', viewer.profileId)
      .execute();
    await records.add(tx, { ...stored, ...about, shownOn: viewer.profileId });
    await removeAfterCommit(jobs, tx, { keys: [old], prefixes: await records.forget(tx, [old]) });
  } else if (old !== null) await records.describe(tx, old, about);
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
