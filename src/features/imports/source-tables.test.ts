import { describe, expect, test } from 'vitest';
import { parseMoment, posts, users } from './source-tables.ts';

describe('dates of the source', () => {
  test.each([
    ['2026-11-22 18:08:36.468798', '2026-11-22T18:08:36.468Z'],
    ['2026-11-22 18:08:36', '2026-11-22T18:08:36.000Z'],
    ['2026-11-22 18:08:36.5', '2026-11-22T18:08:36.500Z'],
    ['2026-11-22 18:08:36.468798+00', '2026-11-22T18:08:36.468Z'],
    ['2026-11-23 03:08:36.468798+09', '2026-11-22T18:08:36.468Z'],
    ['2026-11-22 23:38:36+05:30', '2026-11-22T18:08:36.000Z'],
    ['2026-11-22T18:08:36Z', '2026-11-22T18:08:36.000Z'],
  ])('%s is %s', (text, expected) => {
    expect(new Date(parseMoment(text) ?? Number.NaN).toISOString()).toBe(expected);
  });

  test.each(['', 'yesterday', '2026-13-01 00:00:00', '2026-11-22', 'infinity', '22.11.2026 18:08:36'])(
    '"%s" is none',
    (text) => {
      expect(parseMoment(text)).toBeUndefined();
    },
  );
});

describe('rows of the source', () => {
  const post = {
    id: 1,
    auhtor_id: 1,
    description: 'a\0b',
    date_created: '2026-01-01 00:00:00',
    date_modified: '2026-01-01 00:00:00',
  };

  const user = {
    ...{
      id: 1,
      username: 'ann',
      first_name: 'Ann',
      last_name: 'Lee',
      email: 'ann@example.org',
      password: '!',
    },
    ...{ is_active: 1, is_staff: 0, is_superuser: 0, date_joined: '2026-01-01 00:00:00' },
  };

  test('lose the NUL that no other database would hold, and nothing else', () => {
    expect(posts.schema.parse(post).description).toBe('a\uFFFDb');
    expect(posts.schema.parse({ ...post, description: ' ☕\r\n\u200D ' }).description).toBe(' ☕\r\n\u200D ');
  });

  test('have ids that can be kept', () => {
    for (const id of [0, -1, 1.5, 2e15, '1', null])
      expect(posts.schema.safeParse({ ...post, id }).success).toBe(false);
  });

  test('say yes and no as either database does', () => {
    const read = (value: unknown) => users.schema.safeParse({ ...user, is_staff: value }).data?.is_staff;
    expect([1, 0, true, false, 't'].map(read)).toEqual([true, false, true, false, undefined]);
  });
});
