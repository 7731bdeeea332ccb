import { expect, test } from 'vitest';
import { mixesScripts, shareScript } from './scripts.ts';

const CYRILLIC_A = '\u0430';
const GREEK_O = '\u03bf';

test.each([
  ...[
    'ann',
    'inés',
    'Жанна',
    'Ελένη',
    'محمد',
    'हिन्दी',
    'กำไร',
    '小明',
    'ひらがな',
    'カタカナー',
    '김철수',
    '𐐷𐐨',
  ],
  ...['ann.lee+1@example-site_2', 'Жанна42', 'محمد٤٢', '42', '_', ''],
  ...['東京タワーの人', '小明Tom', '山田Taro', '김철수Kim', 'ㄅㄆㄇ小明', "ann'e\u0301"],
])('%j is written together', (text) => {
  expect(mixesScripts(text)).toBe(false);
});

test.each([
  [`p${CYRILLIC_A}ypal`, 'Cyrillic in Latin'],
  [`g${GREEK_O}ogle`, 'Greek in Latin'],
  ['Жаnна', 'Latin in Cyrillic'],
  ['Ελένa', 'Latin in Greek'],
  ['жанна@mail', 'an address'],
  ['αж', 'Greek and Cyrillic'],
  ['annա', 'Armenian in Latin'],
  ['annᎪ', 'Cherokee in Latin'],
  ['ann٤', 'Arabic digits in Latin'],
  ['ㄅひ', 'Bopomofo and Hiragana'],
  ['김ひ', 'Hangul and Hiragana'],
  ['小明Жанна', 'Cyrillic beside Han'],
])('%j is not: %s', (text) => {
  expect(mixesScripts(text)).toBe(true);
});

test.each([
  ['modern', 'modem', true],
  ['111', 'lll', true],
  ['111', '\u04cf\u04cf\u04cf', true],
  ['coco', '\u0441\u043e\u0441\u043e', false],
  ['\u03bf', '\u043e', false],
  ['カ', '力', false],
])('%j and %j can be of one script: %s', (one, other, shared) => {
  expect(shareScript(one, other)).toBe(shared);
});
