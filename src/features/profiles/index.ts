// Profiles: how somebody appears. Sign-up, names and pictures, follows.
import type { Database } from '../../platform/database/database.ts';
import type { Jobs } from '../../platform/jobs/jobs.ts';
import type { Limits } from '../../platform/limits/limits.ts';
import type { Pictures } from '../../platform/pictures/pictures.ts';
import type { PictureRecords } from '../../platform/pictures/records.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import type { Users } from '../users/index.ts';
import { createFollows, type Follows } from './follows.ts';
import { createProfilePictures, type ProfilePictures } from './profile-pictures.ts';
import { createRemoveProfile, type RemoveProfile } from './removal.ts';
import { createSignUp, type SignUpVerb } from './sign-up.ts';
import { createUpdateProfile, type UpdateProfile } from './updates.ts';
import { createProfileViews, type ProfileViews } from './views.ts';

export type { StoredProfilePicture } from './profile-pictures.ts';
export { touchPosts } from './updates.ts';
export type { ProfileDetail, ProfileView } from './views.ts';

export interface Profiles {
  readonly signUp: SignUpVerb;
  readonly update: UpdateProfile;
  readonly remove: RemoveProfile;
  readonly follows: Follows;
  readonly views: ProfileViews;
  readonly pictures: ProfilePictures;
}

interface ProfilesOptions {
  database: Database;
  storage: Storage;
  jobs: Jobs;
  limits: Limits;
  pictures: Pictures;
  records: PictureRecords;
  users: Users;
  now: () => number;
}

export function createProfiles(options: ProfilesOptions): Profiles {
  const { database, storage, pictures, now } = options;
  const profilePictures = createProfilePictures({ pictures, storage });
  return {
    signUp: createSignUp({ ...options, pictures: profilePictures }),
    update: createUpdateProfile({ ...options, pictures: profilePictures }),
    remove: createRemoveProfile(options),
    follows: createFollows({ database, now }),
    views: createProfileViews({ database }),
    pictures: profilePictures,
  };
}
