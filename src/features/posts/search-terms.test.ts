import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../../test/support/databases.ts';
import { prefixesOf, termsOf } from './search-terms.ts';

describe('the terms of a text', () => {
  test.each([
    ['Hello, World!', ['hello', 'world']],
    ['CAFÉ naïve Ünïcödé', ['cafe', 'naive', 'unicode']],
    ['100% snake_case', ['100%', '100', '%', 'snake_case', 'snake', '_', 'case']],
    ['ﬁne Ⅷ ①', ['fine', 'viii', '1']],
    ['日本', ['日本', '日本', '本']],
    ['東京tower!', ['東京tower', '東京', '京', 'tower']],
    ['👋 🎉 …', []],
    ['', []],
  ])('of %j are %j', (text, terms) => {
    expect(termsOf(text)).toEqual(terms);
  });

  test('are at most 64 characters long, counted whole', () => {
    expect(termsOf('a'.repeat(10_000))).toEqual(['a'.repeat(64)]);
    expect(termsOf('𝒜'.repeat(100))).toEqual(['a'.repeat(64)]);
    expect(termsOf('𐐨'.repeat(100))[0]).toBe('𐐨'.repeat(64));
  });
});

describe('the prefixes of a query', () => {
  test.each([
    ['Hello hello', ['hello']],
    ['snake_case', ['snake_case']],
    ['50% off', ['50%', 'off']],
    ['日本語', ['日本', '本語']],
    ['語', ['語']],
    ['iPhone用ケース', ['iphone', '用ケ', 'ケー', 'ース']],
    ['"NEAR(" OR * - ^ :', ['near', 'or']],
  ])('of %j are %j', (query, prefixes) => {
    expect(prefixesOf(query)).toEqual(prefixes);
  });

  test('are at most 16', () => {
    const words = Array.from({ length: 40 }, (_, index) => `word${index}`);
    expect(prefixesOf(words.join(' '))).toEqual(words.slice(0, 16));
  });
});

test.each([
  ['letters', 'a'],
  ['blanks', ' '],
  ['combining marks', '\u0301'],
  ['ligatures', 'ﷺ'],
  ['underscores', '_'],
  ['unspaced characters', '漢'],
  ['mixed scripts', 'a漢'],
])('fifty thousand %s are cut and bounded', (_, unit) => {
  // Work that grew with the square of the length would not end within the test's time.
  const terms = termsOf(unit.repeat(50_000));
  expect(terms.every((term) => [...term].length <= 64)).toBe(true);
  expect(prefixesOf(unit.repeat(50_000)).length).toBeLessThanOrEqual(16);
});

describe('in the index', () => {
  let opened: TestDatabase;
  beforeAll(async () => {
    opened = await openTestDatabase();
  });
  afterAll(() => opened[Symbol.asyncDispose]());

  let next = 0;
  async function isFound(text: string, query: string): Promise<boolean> {
    const id = (next += 1);
    const { search } = opened.database.dialect;
    await opened.database.transaction((tx) => search.index(tx, id, termsOf(text)));
    const prefixes = prefixesOf(query);
    if (prefixes.length === 0) return false;
    const { rows } = await sql<{
      id: number;
    }>`select id from ${search.matches(prefixes, 100)} as found`.execute(opened.database.read);
    return rows.some((row) => row.id === id);
  }

  test.each([
    ['Ein Übermut tut selten gut', 'ubermut'],
    ['Crème brûlée', 'Creme'],
    ['Das große Straßenfest', 'straßen'],
    ['Привет, мир', 'МИР'],
    ['Γειά σου Κόσμε', 'κοσμε'],
    ['İstanbul', 'istanbul'],
    ['नमस्ते दुनिया', 'दुनिया'],
    ['வணக்கம் உலகம்', 'உலகம்'],
    ['مَرْحَبًا بالعالم', 'مرحبا'],
    ['שָׁלוֹם עולם', 'שלום'],
    ['สวัสดีชาวโลก', 'ชาว'],
    ['안녕하세요 세계', '안녕'],
    ['吾輩は猫である', '猫'],
    ['東京tower', 'tower'],
    ['新しいiPhone用ケース', 'iphone'],
    ['新しいiPhone用ケース', 'ケース'],
    ['a 100% sure_thing', 'sure'],
    ['a 100% sure_thing', '100%'],
    ['a 100% sure_thing', '%'],
    ['C++ and rock’n’roll', 'rock'],
    ['𐐨𐐩𐐪 Deseret', '𐐨𐐩𐐪'],
    ['e\u0301te\u0301', 'été'],
    ['Hello', 'hel'],
  ])('%j is found by %j', async (text, query) => {
    expect(await isFound(text, query)).toBe(true);
  });

  test.each([
    ['Hello', 'ello'],
    ['snake case', 'snake_case'],
    ['100 percent', '100%'],
    ['日光', '日本'],
  ])('%j is not found by %j', async (text, query) => {
    expect(await isFound(text, query)).toBe(false);
  });

  test('words of scripts that it does not know are no error', async () => {
    for (const query of ['𞤀𞤁', '🜁a', '\u{1e900}', 'ꬰ', '𑄀'])
      await expect(isFound('something', query)).resolves.toBe(false);
  });
});

test('of a query of many short words the first two are looked for, and all of the others', () => {
  expect(prefixesOf('a b a c d word e in')).toEqual(['a', 'b', 'word']);
  expect(prefixesOf('日本 東京 大阪')).toEqual(['日本', '東京', '大阪']);
});

test('letters that become marks are no more than marks', () => {
  const begun = performance.now();
  termsOf('\u0301\uFF9E'.repeat(100_000));
  expect(performance.now() - begun).toBeLessThan(1_000);
});

test('a letter under a hundred thousand marks is that letter, at once', () => {
  const begun = performance.now();
  expect(termsOf(`zalgo${'\u0301\u0316'.repeat(50_000)}`)).toEqual(['zalgo']);
  expect(performance.now() - begun).toBeLessThan(1_000);
});
