// Who is looking. Signed in means: this browser holds tokens. The own profile is kept beside them, so that a
// page opened without a connection still knows whose it is.
import { createStore } from '../store.ts';
import { getOwnProfile } from '../wire/profiles.ts';
import type { Profile } from '../wire/shapes.ts';
import { onTokens, readTokens } from '../wire/tokens.ts';

export interface Viewer {
  signedIn: boolean;
  /** Absent while it is being read for the first time. */
  profile?: Profile;
}

const KEY = 'veranda.profile';

export const viewer = createStore<Viewer>(recall());

/** Reads the own profile anew. Throws when it cannot be read; what was known stays. */
export async function refreshViewer(): Promise<void> {
  const tokens = readTokens();
  if (!tokens) return;
  const profile = await getOwnProfile();
  if (readTokens()) keepOwnProfile(profile);
}

export function keepOwnProfile(profile: Profile): void {
  localStorage.setItem(KEY, JSON.stringify(profile));
  viewer.set({ signedIn: true, profile });
}

onTokens(() => {
  const signedIn = readTokens() !== undefined;
  if (signedIn === viewer.get().signedIn) return;
  localStorage.removeItem(KEY);
  viewer.set({ signedIn });
});

// Another tab signed somebody else in, or changed the profile.
addEventListener('storage', (event) => {
  if (event.key === KEY && event.newValue !== null) viewer.set(recall());
});

function recall(): Viewer {
  if (!readTokens()) return { signedIn: false };
  try {
    const profile = JSON.parse(localStorage.getItem(KEY) ?? 'null') as Profile | null;
    return profile ? { signedIn: true, profile } : { signedIn: true };
  } catch {
    return { signedIn: true };
  }
}
