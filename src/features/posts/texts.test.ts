import { expect, test } from 'vitest';
import { checkText } from './texts.ts';

const TOO_LONG = { kind: 'invalid', code: 'text_too_long' };
const check = (text: string, max: number) => (): void => checkText(text, max);

test('a text may be as long as the limit says, counted in characters as people count code points', () => {
  expect(check('a'.repeat(10), 10)).not.toThrow();
  expect(check('😀'.repeat(10), 10)).not.toThrow();
  expect(check('', 0)).not.toThrow();
  expect(check('a'.repeat(11), 10)).toThrow(expect.objectContaining(TOO_LONG));
  expect(check('😀'.repeat(11), 10)).toThrow(expect.objectContaining(TOO_LONG));
  expect(check(`${'😀'.repeat(10)}a`, 10)).toThrow(expect.objectContaining(TOO_LONG));
  expect(check('a'.repeat(1_000_000), 10)).toThrow(expect.objectContaining(TOO_LONG));
});

test('every script and sign is kept', () => {
  for (const text of ['👨‍👩‍👧‍👦', 'שלום‎', 'Z͑ͫ̓a̴lgo', '\u202Eabc', ' \t\r\n ', '\u{10FFFF}', '\u0001'])
    expect(check(text, 100)).not.toThrow();
});

test('what cannot be stored as it is, is refused', () => {
  for (const text of ['a\0b', '\uD800', 'a\uDC00', '\uDC00\uD800', '😀'.slice(0, 1)])
    expect(check(text, 100)).toThrow(expect.objectContaining({ code: 'text_not_valid' }));
});
