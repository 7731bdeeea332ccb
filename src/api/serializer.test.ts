import { expect, test } from 'vitest';
import { z } from 'zod';
import { compile } from './serializer.ts';

const person = z.object({
  id: z.int(),
  name: z.string(),
  bio: z.string().nullable(),
  nick: z.string().optional(),
});

test('what a schema does not declare never leaves, at any depth', () => {
  const write = compile(z.object({ people: z.array(person), by: person }));
  const row = { id: 1, name: 'Ann', bio: null, passwordHash: 'secret' };
  const text = write({ people: [row], by: row, token: 'secret' } as never);
  expect(JSON.parse(text)).toEqual({
    people: [{ id: 1, name: 'Ann', bio: null }],
    by: { id: 1, name: 'Ann', bio: null },
  });
});

test('null stays null, and what is absent stays absent', () => {
  const write = compile(person);
  expect(write({ id: 1, name: '', bio: null })).toBe('{"id":1,"name":"","bio":null}');
  expect(JSON.parse(write({ id: 1, name: '', bio: '', nick: 'n' }))).toMatchObject({ bio: '', nick: 'n' });
});

test('a declared value that is missing is a bug and no answer', () => {
  expect(() => compile(person)({ id: 1, bio: null } as never)).toThrow('"name" is required');
});

test.each([
  '"',
  '\\',
  '\n\r\t\b\f',
  '\u0000\u001f',
  '</script>',
  '\u2028\u2029',
  '😀',
  '\ud800',
  'é'.repeat(5_000),
])('text like %j comes back as it was', (name) => {
  const text = compile(person)({ id: 1, name, bio: null });
  expect((JSON.parse(text) as { name: string }).name).toBe(name);
  expect(Buffer.from(text).toString()).toBe(text.toWellFormed());
});

test('numbers are written whole', () => {
  const write = compile(z.object({ id: z.int() }));
  expect(write({ id: Number.MAX_SAFE_INTEGER })).toBe('{"id":9007199254740991}');
  expect(() => write({ id: Number.NaN })).toThrow('NaN');
});
