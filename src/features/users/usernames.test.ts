import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { foldCase, normaliseUsername, usernameKey, usernameProblems, usernameSkeleton } from './usernames.ts';

const blank = 'This field may not be blank.';
const badShape =
  'Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.';
const mixed = 'Enter a valid username. Letters of different scripts may not be mixed.';
const tooLong = 'Ensure this field has no more than 150 characters.';

describe('a user name', () => {
  test.each([
    'ann',
    'Ann.Lee',
    'ann@example.com',
    'a+b-c_d',
    '42',
    'Жанна',
    '小明',
    'محمد',
    'हिन्दी',
    'กำไร',
    'Ａnn',
    'e\u0301ric',
    'x'.repeat(150),
    '𝒜'.repeat(150),
    '𐐷'.repeat(150),
  ])('may be %j', (name) => {
    expect(usernameProblems(name)).toEqual([]);
  });

  test.each(['', ' ', '\t', '\u00a0', '\u3000'])('may not be blank: %j', (name) => {
    expect(usernameProblems(name)).toEqual([blank]);
  });

  test.each([
    'ann lee',
    ' ann',
    'ann\n',
    'ann\0',
    'ann\u200b',
    'a\u00adnn',
    'ann\ufeff',
    'ann\u202e',
    'ann\u2066',
    'a/b',
    '../ann',
    'a\\b',
    '<b>',
    'ann😀',
    '\u0301ann',
    '.\u0301',
    '1\u0301',
    'a\ufe0f',
    'a\u034f',
    '\u3164',
    'ann\uffa0',
    'ann\ud800',
    'ann\ue000',
    '\u00a8',
    `a${'\u0302\u0316'.repeat(10)}`,
  ])('may not be %j', (name) => {
    expect(usernameProblems(name)).toEqual([badShape]);
  });

  test('has at most 150 characters in the form that is stored', () => {
    expect(usernameProblems('x'.repeat(151))).toEqual([tooLong]);
    expect(usernameProblems('𐐷'.repeat(151))).toEqual([tooLong]);
    expect(usernameProblems('ﬀ'.repeat(76))).toEqual([tooLong]);
    expect(usernameProblems(`${'x'.repeat(151)} `)).toEqual([badShape, tooLong]);
  });

  test('may not mix scripts, unless they are written together', () => {
    expect(usernameProblems('p\u0430ypal')).toEqual([mixed]);
    expect(usernameProblems('山田Taro')).toEqual([]);
  });

  test('is checked in linear time', () => {
    const started = performance.now();
    usernameProblems(`${'a\u0301'.repeat(500_000)}!`);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

test('the stored form is composed and of normal width', () => {
  expect(normaliseUsername('Ａnn')).toBe('Ann');
  expect(normaliseUsername('e\u0301ric')).toBe('\u00e9ric');
  expect(normaliseUsername('Ann')).toBe('Ann');
});

describe('the key of a user name', () => {
  test.each([
    ['Ａnn', 'ann'],
    ['ANN', 'ann'],
    ['ann\u200b', 'ann'],
    ['a\u00adnn', 'ann'],
    ['ann\ufe0f', 'ann'],
    ['ﬀ', 'ff'],
    ['ﬀ', 'FF'],
    ['ß', 'ss'],
    ['ẞ', 'ss'],
    ['STRASSE', 'straße'],
    ['ſam', 'sam'],
    ['K', 'k'],
    ['ΣΊΣΥΦΟΣ', 'σίσυφος'],
    ['σ', 'ς'],
    ['İstanbul', 'istanbul'],
    ['ısparta', 'ISPARTA'],
    ['i\u0307', 'I'],
    ['ị\u0307', 'Ị'],
    ['ȷ', 'j'],
    ['Е́ва', 'е\u0301ва'],
    ['ŉ', 'ʼn'],
    ['ǅ', 'dž'],
    ['ᾳ', 'ΑΙ'],
    ['µ', 'μ'],
    ['①', '1'],
    ['ｶﾞ', 'ガ'],
    ['Ꭰ', 'ꭰ'],
  ])('is the same for %j and %j', (one, other) => {
    expect(usernameKey(one)).toBe(usernameKey(other));
  });

  test.each([
    ['ann', 'anna'],
    ['é', 'e'],
    ['a.b', 'ab'],
    ['a-b', 'a_b'],
    ['й', 'и'],
    ['が', 'か'],
  ])('differs for %j and %j', (one, other) => {
    expect(usernameKey(one)).not.toBe(usernameKey(other));
  });

  test('of a key is the key, and case, form and stored form never change it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 12 }), (name) => {
        const key = usernameKey(name);
        expect(usernameKey(key)).toBe(key);
        expect(usernameKey(normaliseUsername(name))).toBe(key);
        expect(usernameKey(name.normalize('NFD'))).toBe(key);
      }),
      { numRuns: 3000, seed: 7 },
    );
  });

  test('joins every character with its upper and its lower case', () => {
    for (let code = 0; code <= 0x10ffff; code += 1) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const character = String.fromCodePoint(code);
      const key = foldCase(character);
      const twins = [character.toUpperCase(), character.toLowerCase(), character.normalize('NFKC')];
      if (twins.some((twin) => twin !== character && foldCase(twin) !== key)) {
        expect.fail(`U+${code.toString(16)} folds apart from its other case`);
      }
    }
  });
});

describe('the skeleton of a user name', () => {
  test.each([
    ['coco', 'сосо', 'Cyrillic'],
    ['BOBA', 'ВОВА', 'Cyrillic capitals'],
    ['boba', 'ВОВА', 'Cyrillic capitals, for a name that counts the same in capitals'],
    ['scope', 'ѕсоре', 'rarer Cyrillic'],
    ['Ivan1', 'lvanl', 'I, l and 1'],
    ['tom', 'ΤΟΜ', 'Greek capitals'],
    ['niko', 'ΝΙΚΟ', 'Greek capitals for small letters'],
    ['unu', 'սոս', 'Armenian'],
    ['DAW', 'ᎠᎪᎳ', 'Cherokee'],
    ['é', 'е\u0301', 'a mark on a letter of another script'],
    ['カ', '力', 'Katakana and Han'],
    ['modern', 'modem', 'one script'],
  ])('is the same for %j and %j: %s', (one, other) => {
    expect(usernameSkeleton(other)).toBe(usernameSkeleton(one));
  });

  test.each([
    ['ann', 'anna'],
    ['вова', 'boba'],
    ['é', 'e'],
    ['Жанна', 'Zhanna'],
  ])('differs for %j and %j', (one, other) => {
    expect(usernameSkeleton(one)).not.toBe(usernameSkeleton(other));
  });
});
