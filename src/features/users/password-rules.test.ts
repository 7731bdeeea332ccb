import { describe, expect, test } from 'vitest';
import { passwordProblems } from './password-rules.ts';

const owner = {
  username: 'ann.lee42',
  firstName: 'Annabelle',
  lastName: 'Hofmeister',
  email: 'contact@gartenfreunde.example',
};
const tooShort = 'This password is too short. It must contain at least 8 characters.';
const tooLong = 'This password is too long. It must contain at most 128 characters.';
const common = 'This password is too common.';
const numeric = 'This password is entirely numeric.';
const similarTo = (attribute: string): string => `The password is too similar to the ${attribute}.`;

test.each([
  'correct horse battery',
  'Tr0ub4dor&3x',
  'пароль-надёжный',
  '😀😃😄😁😆😅😂🙃',
  'a\0b\0c\0d\0',
  '  vier Blanks  ',
  'x7'.repeat(64),
  '𝔛ω'.repeat(64),
])('a good password is taken: %j', (password) => {
  expect(passwordProblems(password, owner)).toEqual([]);
});

test('half a surrogate pair is refused: it would be hashed as any other half', () => {
  for (const password of ['correct horse \ud800', '\udc00 correct horse'])
    expect(passwordProblems(password, owner)).toEqual(['This password has characters that are not valid.']);
});

test('a blank password is refused as a blank field', () => {
  for (const password of ['', '        ', '\t\n\u00a0']) {
    expect(passwordProblems(password, owner)).toEqual(['This field may not be blank.']);
  }
});

test('length is counted in code points', () => {
  expect(passwordProblems('qjXv7!t', owner)).toEqual([tooShort]);
  expect(passwordProblems('😀😃😄😁', owner)).toEqual([tooShort]);
  expect(passwordProblems('x7'.repeat(64) + 'x', owner)).toEqual([tooLong]);
  expect(passwordProblems('𝔛ω'.repeat(64) + '𝔛', owner)).toEqual([tooLong]);
});

test.each(['password', 'PassWord1', ' qwerty123 ', 'iloveyou', 'trustno1'])(
  'a common password is refused: %j',
  (password) => {
    expect(passwordProblems(password, owner)).toEqual([common]);
  },
);

test('what is inside is not cut before the comparison', () => {
  expect(passwordProblems('password\0', owner)).toEqual([]);
  expect(passwordProblems('pass word', owner)).toEqual([]);
});

test.each(['90817263544', '٩٠٨١٧٢٦٣', '９０８１７２６３'])('digits alone are refused: %j', (password) => {
  expect(passwordProblems(password, owner)).toEqual([numeric]);
});

test('all that is wrong is said at once, in order', () => {
  expect(passwordProblems('12345', { ...owner, username: '12345' })).toEqual([
    similarTo('username'),
    tooShort,
    common,
    numeric,
  ]);
});

describe('a password like its owner is refused', () => {
  test.each([
    ['ann.lee42', 'username'],
    ['24eel.nna', 'username'],
    ['Ann.Lee42!', 'username'],
    ['annabelle1', 'first name'],
    ['hofmeister', 'last name'],
    ['reistemfoh', 'last name'],
    ['gartenfreunde', 'email address'],
    ['contact@gartenfreunde.example', 'email address'],
  ])('%j by its %s', (password, attribute) => {
    expect(passwordProblems(password, owner)).toEqual([similarTo(attribute)]);
  });

  test('only from a likeness of 0.7 on', () => {
    const named = (username: string) => ({ username, firstName: '', lastName: '', email: '' });
    expect(passwordProblems('abcdefgXYZ', named('abcdefg123'))).toEqual([similarTo('username')]);
    expect(passwordProblems('abcdefWXYZ', named('abcdef1234'))).toEqual([]);
    expect(passwordProblems('qvbnmklpw7', named(''))).toEqual([]);
  });
});

test('an endless password is refused quickly', () => {
  const started = performance.now();
  expect(passwordProblems('ab'.repeat(500_000), { ...owner, username: 'a.b'.repeat(50) })).toEqual([tooLong]);
  expect(performance.now() - started).toBeLessThan(5_000);
});
