// Avatars and covers as stored blobs. Every change gets a new random key, as clients cache by path.
import { randomBytes } from 'node:crypto';
import type { Pictures } from '../../platform/pictures/pictures.ts';
import type { Storage } from '../../platform/storage/storage.ts';

export type ProfilePictureRole = keyof typeof FITS;

/** A picture that is stored and waits for its rows. */
export interface StoredProfilePicture {
  key: string;
  role: 'avatar' | 'cover';
  width: number;
  height: number;
  blurhash: string;
}

export interface ProfilePictures {
  /** Re-encodes and stores under a random name. Throws what `Pictures.normalise` throws. */
  store(bytes: Buffer, role: ProfilePictureRole): Promise<StoredProfilePicture>;
  /** The same under a name of the caller's, which nobody can guess either: doing it again changes nothing. */
  storeAs(name: string, picture: { bytes: Buffer; role: ProfilePictureRole }): Promise<StoredProfilePicture>;
  /** Removes a blob that no row came to refer to. */
  discard(key: string | null): Promise<void>;
}

const FITS = {
  picture: { width: 400, height: 400, mode: 'cover' },
  cover: { width: 1_600, height: 1_600, mode: 'inside' },
} as const;

export function createProfilePictures({
  pictures,
  storage,
}: {
  pictures: Pictures;
  storage: Storage;
}): ProfilePictures {
  const storeAs: ProfilePictures['storeAs'] = async (name, { bytes, role }) => {
    const {
      bytes: content,
      extension,
      width,
      height,
      blurhash,
    } = await pictures.normalise(bytes, FITS[role]);
    const key = `profile_pictures/${name}.${extension}`;
    await storage.blobs.put(key, content);
    return { key, role: role === 'picture' ? 'avatar' : 'cover', width, height, blurhash };
  };
  return {
    store: (bytes, role) => storeAs(randomBytes(16).toString('hex'), { bytes, role }),
    storeAs,
    async discard(key) {
      if (key) await storage.blobs.remove([key]);
    },
  };
}
