// How people and files are called on the page.
import type { Author } from '../wire/shapes.ts';

export function fullName(person: Author): string {
  const name = `${person.firstname} ${person.lastname}`.trim();
  return name === '' ? (person.username ?? 'Somebody') : name;
}

export function initials(person: Author): string {
  const words = fullName(person).split(/\s+/u);
  const ends = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return ends
    .map((word) => [...(word ?? '')][0] ?? '')
    .join('')
    .toLocaleUpperCase();
}

export type MediaKind = 'picture' | 'video';

/** The wire tells the type by the path's ending alone; anything else is not shown. */
export function kindOfPath(path: string): MediaKind | undefined {
  const ending = /\.([a-z0-9]+)$/i.exec(path)?.[1]?.toLowerCase() ?? '';
  if (/^(?:jpe?g|png|gif)$/.test(ending)) return 'picture';
  return /^(?:mp4|mov|avi|wmv)$/.test(ending) ? 'video' : undefined;
}

export function describeBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const amount = bytes / 1000 ** power;
  return `${amount < 10 && power > 0 ? amount.toFixed(1) : Math.round(amount)} ${units[power] ?? ''}`;
}

export function countOf(count: number, one: string, many: string): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}
