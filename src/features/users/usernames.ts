// User names: which are allowed, how they are stored, and when two of them count as the same.
// A name is stored and shown in NFKC; its key is what the unique index holds, so that no second name
// differs from a taken one by case, width or invisible characters alone. A name in another script that looks like a
// taken one is found by its skeleton.
import unhomoglyph from 'unhomoglyph';
import { isLonger } from '../../platform/text-length.ts';
import { mixesScripts } from './scripts.ts';

const longest = 150;

// Letters of any script with their marks, numbers, and five signs. The branches exclude each other, so the
// match is linear. More than four marks on one letter belong to no script, only to defaced pages.
const shape = /^(?:\p{L}\p{M}{0,4}|\p{N}|[@.+\-_])+$/u;

// Includes characters that \p{L} and \p{M} hold and nobody sees, such as Hangul fillers and variation selectors.
const invisible = /\p{Default_Ignorable_Code_Point}/gu;

/** Sentences for a form; none when the name may be used. Length counts code points of the stored form. */
export function usernameProblems(username: string): string[] {
  const name = normaliseUsername(username);
  if (name.trim() === '') return ['This field may not be blank.'];
  const problems: string[] = [];
  if (!shape.test(name) || name.search(invisible) >= 0) {
    problems.push(
      'Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.',
    );
  }
  if (isLonger(name, longest)) problems.push('Ensure this field has no more than 150 characters.');
  if (problems.length === 0 && mixesScripts(name)) {
    problems.push('Enter a valid username. Letters of different scripts may not be mixed.');
  }
  return problems;
}

/** The form of a name that is stored and shown. */
export function normaliseUsername(raw: string): string {
  return raw.normalize('NFKC');
}

/** What uniqueness and sign-in compare. Names that look alike up to case, width and invisible characters share it. */
export function usernameKey(username: string): string {
  return foldCase(username.normalize('NFKC').replace(invisible, ''));
}

/**
 * What names share that can be taken for each other (UTS 39 section 4), in capitals or not: I, l and i are one. Names of
 * one script may have it in common, as `modern` and `modem` do; across scripts it tells that one passes for the other.
 */
export function usernameSkeleton(username: string): string {
  return prototypes(prototypes(username).toLowerCase()).replaceAll('i', 'l').normalize('NFD');
}

/** Each letter replaced by the one that stands for all that look like it. */
const prototypes = (text: string): string => unhomoglyph(text.normalize('NFD'));

/**
 * Full case folding: two texts that differ in case or compatibility form alone fold to the same text, and folding
 * twice changes nothing. Lower, upper and lower again reaches what one step misses (ẞ, ß and ss; ς and σ). The
 * dotted and dotless i of Turkish both become i: where a locale is unknown, refusing a twin is the safe side.
 */
export function foldCase(text: string): string {
  let folded = text;
  for (let previous = ''; folded !== previous;) {
    previous = folded;
    folded = folded
      .normalize('NFKC')
      .toLowerCase()
      .toUpperCase()
      .toLowerCase()
      .replaceAll('ȷ', 'j')
      .replace(/(\p{Soft_Dotted})\u0307+/gu, '$1')
      .normalize('NFKC');
  }
  return folded;
}
