import { expect, test } from 'vitest';
import { readRoute, searchPath, signInPath } from './routes.ts';

test('each path shows its view', () => {
  expect(readRoute('/')).toEqual({ view: 'feed', of: 'everybody' });
  expect(readRoute('/following')).toEqual({ view: 'feed', of: 'followed' });
  expect(readRoute('/people/12')).toEqual({ view: 'profile', id: 12 });
  expect(readRoute('/posts/7/')).toEqual({ view: 'post', id: 7 });
  expect(readRoute('/signup')).toEqual({ view: 'signup', next: '/' });
});

test.each([
  '/people',
  '/people/x',
  '/people/0',
  '/posts/1e3',
  '/posts/1/2',
  '/nowhere',
  '/posts/99999999999999999',
])('%s leads nowhere', (path) => {
  expect(readRoute(path)).toEqual({ view: 'lost' });
});

test('search words are tidied, so that a double blank does not match everything', () => {
  expect(readRoute('/search?q=%20two%20%20words+')).toEqual({ view: 'search', words: 'two words' });
  expect(readRoute(searchPath('a&b #c'))).toEqual({ view: 'search', words: 'a&b #c' });
});

test('sign-in leads back to where one was', () => {
  expect(readRoute(signInPath('/search?q=a'))).toEqual({ view: 'signin', next: '/search?q=a' });
});

test.each([
  '//evil.example',
  'https://evil.example',
  '/\\evil.example',
  'javascript:alert(1)',
  '/%09/evil\\x',
  '',
])('sign-in never leads to %s', (next) => {
  const route = readRoute(`/signin?next=${encodeURIComponent(next)}`);
  expect(route).toMatchObject({ view: 'signin', next: expect.stringMatching(/^\/(?![/\\])[^\\]*$/) });
});
