// Sign-up: user and profile in one transaction, with the picture stored before it; all of it or nothing.
import type { Database } from '../../platform/database/database.ts';
import { DomainError, invalidFields } from '../../platform/errors.ts';
import type { Limits } from '../../platform/limits/limits.ts';
import type { Users, SignUpForm } from '../users/index.ts';
import type { PictureRecords } from '../../platform/pictures/records.ts';
import type { ProfilePictures } from './profile-pictures.ts';

export interface SignUp {
  /** The picture's bytes, in any format we read; none shows the default. */
  picture?: Buffer | undefined;
  form: SignUpForm;
  /** An ordinary user unless said otherwise. */
  role?: 'user' | 'admin';
  /** Network address, for the limit on sign-ups. */
  address: string;
}

export interface SignedUp {
  userId: number;
  profileId: number;
  username: string;
  firstName: string;
  lastName: string;
  email: string;
}

/** Throws `invalid` with sentences by field (`profile_image` for the picture), or `rate_limited`. Nothing is kept then. */
export type SignUpVerb = (request: SignUp) => Promise<SignedUp>;

interface SignUpOptions {
  database: Database;
  users: Users;
  pictures: ProfilePictures;
  records: PictureRecords;
  limits: Limits;
  now: () => number;
}

export function createSignUp(options: SignUpOptions): SignUpVerb {
  const { database, users, pictures, records, limits, now } = options;
  const byAddress = limits.create('sign-up');
  return async ({ form, picture, address, role }) => {
    // Before any work: refusals count too, as they tell which names are taken.
    await byAddress.take(address);
    const user = await users.accounts.prepare(form);
    const stored = picture ? await pictures.store(picture, 'picture').catch(asFieldError) : undefined;
    try {
      return await database.transaction(async (tx) => {
        const userId = await users.accounts.insert(tx, user, role);
        const { id: profileId } = await tx
          .insertInto('profiles')
          .values({ userId, pictureKey: stored?.key ?? null, coverKey: null, createdAt: now() })
          .returning('id')
          .executeTakeFirstOrThrow();
        if (stored) await records.add(tx, { ...stored, shownOn: profileId });
        const { username, firstName, lastName, email } = user;
        return { userId, profileId, username, firstName, lastName, email };
      });
    } catch (error) {
      // Only a refusal is certain to have committed nothing; after anything else the sweep decides.
      if (error instanceof DomainError) await pictures.discard(stored?.key ?? null);
      throw error;
    }
  };
}

function asFieldError(error: unknown): never {
  if (error instanceof DomainError && ['invalid', 'unsupported', 'too_large'].includes(error.kind)) {
    throw invalidFields({ profile_image: [error.message] });
  }
  throw error;
}
