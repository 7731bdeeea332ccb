// A person's picture, or their initials where there is none or it cannot be loaded.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useStore } from '../store.ts';
import { viewer } from '../stores/viewer.ts';
import { initials } from '../texts/names.ts';
import type { Author } from '../wire/shapes.ts';
import { Photo } from './photo.tsx';

/** As styles/base.css has them. */
const SIZES = { small: '34px', medium: '44px', large: '112px' } as const;

export interface AvatarProps {
  person: Author;
  size: 'small' | 'medium' | 'large';
  /** Where it is looked at. Beside its person's name it is not worth reading out. */
  alt?: string | undefined;
}

export function Avatar({ person, size, alt = '' }: AvatarProps): JSX.Element {
  const own = useStore(viewer).profile;
  // Posts keep the picture they were read with; one's own is known better.
  const { profile_picture: path, profile_picture_sources: sources } = own?.id === person.id ? own : person;
  const [broken, setBroken] = useState(false);
  useEffect(() => setBroken(false), [path]);
  const drawn = broken || isDefaultPicture(path);
  return (
    <span
      class={`avatar avatar-${size} hue-${person.id % 6}`}
      aria-hidden={drawn || alt === '' ? 'true' : undefined}
    >
      {drawn ? (
        initials(person)
      ) : (
        <Photo file={path} sources={sources} alt={alt} sizes={SIZES[size]} onBroken={() => setBroken(true)} />
      )}
    </span>
  );
}

/** Those who chose none all share one file; initials, or a drawing of our own, say more. */
export function isDefaultPicture(path: string): boolean {
  return path === '' || /\/default_(?:profile_picture|cover_image)\.\w+$/.test(path);
}
