import { expect, test } from 'vitest';
import { splitLinks } from './links.ts';

test('text without an address is one plain part', () => {
  expect(splitLinks('a < b && "c"')).toEqual([{ text: 'a < b && "c"' }]);
  expect(splitLinks('')).toEqual([]);
});

test('an address between words becomes a link and the words stay', () => {
  expect(splitLinks('see https://example.org/a?b=1#c now')).toEqual([
    { text: 'see ' },
    { text: 'https://example.org/a?b=1#c', href: 'https://example.org/a?b=1#c' },
    { text: ' now' },
  ]);
});

test('www without a scheme opens over https', () => {
  expect(splitLinks('www.example.org')).toEqual([
    { text: 'www.example.org', href: 'https://www.example.org/' },
  ]);
});

test("the sentence's punctuation stays outside, a bracket opened in the address inside", () => {
  expect(splitLinks('(https://example.org/x).')[1]).toEqual({
    text: 'https://example.org/x',
    href: 'https://example.org/x',
  });
  expect(splitLinks('https://example.org/wiki/Veranda_(house)!')[0]?.text).toBe(
    'https://example.org/wiki/Veranda_(house)',
  );
});

test.each([
  'javascript:alert(1)',
  'data:text/html,x',
  'ftp://example.org',
  'http://',
  'https://user@evil.example/',
])('%s never becomes a link', (text) => {
  expect(splitLinks(text).every((part) => part.href === undefined)).toBe(true);
});

test('the parts together are the text, whatever is in it', () => {
  const text = 'x https://a.example, https://b.example/(c)) www. http:// <b>www.d.example</b>\n';
  expect(
    splitLinks(text)
      .map((part) => part.text)
      .join(''),
  ).toBe(text);
});
