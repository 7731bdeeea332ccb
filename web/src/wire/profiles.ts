// People: reading, following, and changing how one appears.
import { ask } from './requests.ts';
import type { Focus, Profile } from './shapes.ts';

export function getOwnProfile(): Promise<Profile> {
  return ask('/api/users/author/');
}

export function getProfile(id: number): Promise<Profile> {
  return ask(`/api/users/user/${id}/`);
}

/** Idempotent, unlike the toggle that the classic client calls. Answers the followed profile. */
export function setFollowing(id: number, following: boolean): Promise<Profile> {
  return ask(`/api/users/user/${id}/follow/`, { method: following ? 'PUT' : 'DELETE' });
}

export interface ProfileChange {
  first_name?: string;
  last_name?: string;
  bio?: string;
  /** Data URLs. */
  profile_image?: string;
  cover_image?: string;
  /** Of the pictures that are there, or come with them. */
  profile_image_alt?: string | undefined;
  cover_image_alt?: string | undefined;
  cover_image_focus?: Focus | undefined;
}

export async function changeProfile(id: number, change: ProfileChange): Promise<Profile> {
  const json = { userID: id, ...change };
  const answer = await ask<{ user: Profile }>('/api/users/author/update/', {
    method: 'POST',
    json,
    timeoutMs: 60_000,
  });
  return answer.user;
}
