// Which passwords are taken at sign-up: the rules and sentences of Django's default validators, and a bound.
// A password is judged as it was typed; nothing here trims, cuts or normalises what will be hashed.

import { createRequire } from 'node:module';
import type { dictionary as Dictionary } from '@zxcvbn-ts/language-common';
import { isLonger } from '../../platform/text-length.ts';

const shortest = 8;
const longest = 128;
const mostSimilar = 0.7;

/** Whose password it is: what it must not resemble. */
export interface PasswordOwner {
  username: string;
  firstName: string;
  lastName: string;
  email: string;
}

/** Sentences for a form, in Django's order; none when the password may be used. Lengths are in code points. */
export function passwordProblems(password: string, owner: PasswordOwner): string[] {
  if (password.trim() === '') return ['This field may not be blank.'];
  if (isLonger(password, longest)) {
    return [`This password is too long. It must contain at most ${longest} characters.`];
  }
  // Halves of surrogate pairs have no UTF-8: all of them would be hashed as one and the same character.
  if (!password.isWellFormed()) return ['This password has characters that are not valid.'];
  const problems: string[] = [];
  const resembled = findResembled(password, owner);
  if (resembled) problems.push(`The password is too similar to the ${resembled}.`);
  if ([...password].length < shortest) {
    problems.push(`This password is too short. It must contain at least ${shortest} characters.`);
  }
  if (isCommon(password)) problems.push('This password is too common.');
  if (/^\p{N}+$/u.test(password)) problems.push('This password is entirely numeric.');
  return problems;
}

/** The first of the owner's attributes that the password resembles, whole or by one of its words. */
function findResembled(password: string, owner: PasswordOwner): string | undefined {
  const attributes = [
    ['username', owner.username],
    ['first name', owner.firstName],
    ['last name', owner.lastName],
    ['email address', owner.email],
  ] as const;
  const typed = [...password.toLowerCase()];
  return attributes.find(([, value]) => {
    const whole = value.toLowerCase();
    return [...whole.split(/[^\p{L}\p{N}_]+/u), whole].some(
      (part) => measureSimilarity(typed, [...part]) >= mostSimilar,
    );
  })?.[0];
}

/** The upper bound that Python's difflib calls `quick_ratio`: twice the characters in common, in any order, by all. */
function measureSimilarity(one: string[], other: string[]): number {
  const available = new Map<string, number>();
  for (const character of other) available.set(character, (available.get(character) ?? 0) + 1);
  let matches = 0;
  for (const character of one) {
    const left = available.get(character) ?? 0;
    if (left > 0) matches += 1;
    available.set(character, left - 1);
  }
  return (2 * matches) / (one.length + other.length);
}

let commonPasswords: ReadonlySet<string> | undefined;

function isCommon(password: string): boolean {
  commonPasswords ??= loadCommonPasswords();
  return commonPasswords.has(password.toLowerCase().trim());
}

/** Some 49,000 lower-case passwords; unpacking them takes a tenth of a second, so it happens once and on demand. */
function loadCommonPasswords(): ReadonlySet<string> {
  const require = createRequire(import.meta.url);
  const { dictionary } = require('@zxcvbn-ts/language-common') as { dictionary: typeof Dictionary };
  return new Set(dictionary['passwords-common']);
}
