import { expect, test } from 'vitest';
import { countOf, describeBytes, fullName, initials, kindOfPath } from './names.ts';

const person = { id: 1, username: 'ann', firstname: 'Ann', lastname: 'Lee', profile_picture: '' };

test('a person without names is called by the user name', () => {
  expect(fullName(person)).toBe('Ann Lee');
  expect(fullName({ ...person, firstname: '', lastname: '' })).toBe('ann');
});

test('initials are whole characters of the first and last word', () => {
  expect(initials(person)).toBe('AL');
  expect(initials({ ...person, firstname: '𝒳ena', lastname: 'van der Å' })).toBe('𝒳Å');
  expect(initials({ ...person, firstname: 'Cher', lastname: '' })).toBe('C');
});

test('the ending of a path tells pictures from videos and drops the rest', () => {
  expect(kindOfPath('/media/x/a.JPG')).toBe('picture');
  expect(kindOfPath('/media/x/a.b.mov')).toBe('video');
  expect(kindOfPath('/media/x/a.webp')).toBeUndefined();
  expect(kindOfPath('/media/mp4')).toBeUndefined();
});

test('sizes are told in the unit that fits', () => {
  expect(describeBytes(0)).toBe('0 B');
  expect(describeBytes(2_421_298)).toBe('2.4 MB');
  expect(describeBytes(48_000_000_000)).toBe('48 GB');
});

test('one is told in the singular', () => {
  expect(countOf(1, 'like', 'likes')).toBe('1 like');
  expect(countOf(0, 'like', 'likes')).toBe('0 likes');
});
