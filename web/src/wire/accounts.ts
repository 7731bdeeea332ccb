// Signing up, in and out.
import { WireFailure } from './failures.ts';
import { ask } from './requests.ts';
import { dropTokens, isTokens, keepTokens, readTokens } from './tokens.ts';

export interface SignUpForm {
  username: string;
  first_name: string;
  last_name: string;
  email: string;
  password: string;
  /** A data URL, or empty. */
  profile_image: string;
}

export async function signUp(form: SignUpForm): Promise<void> {
  await ask('/api/users/user/register/', {
    method: 'POST',
    form: { ...form },
    anonymous: true,
    timeoutMs: 60_000,
  });
}

export async function signIn(form: { username: string; password: string }): Promise<void> {
  const tokens = await ask('/api/users/user/token/', { method: 'POST', form, anonymous: true });
  if (!isTokens(tokens)) throw new WireFailure({ status: 502, body: tokens });
  keepTokens(tokens);
}

/** Whoever else is signed in with the old one is signed out. */
export async function changePassword(json: { password: string; new_password: string }): Promise<void> {
  const tokens = await ask('/api/users/user/password/', { method: 'POST', json });
  if (!isTokens(tokens)) throw new WireFailure({ status: 502, body: tokens });
  keepTokens(tokens);
}

/** Nobody is signed in with it any more, here or elsewhere. */
export async function deleteAccount(password: string): Promise<void> {
  await ask('/api/users/user/delete/', { method: 'POST', json: { password } });
  dropTokens();
}

/** Signs out here in any case; throws when the server could not be told. */
export async function signOut(): Promise<void> {
  const tokens = readTokens();
  if (!tokens) return;
  const json = { accessToken: tokens.access, refreshToken: tokens.refresh };
  try {
    await ask('/api/users/user/logout/', { method: 'POST', json, timeoutMs: 8000 });
  } finally {
    dropTokens();
  }
}
