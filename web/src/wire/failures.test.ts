import { describe, expect, test } from 'vitest';
import { explain, isTransient, readFieldErrors, readRetryAfter, WireFailure } from './failures.ts';

describe('field errors', () => {
  test('are sentences by field, also under keys that no field has', () => {
    const body = { username: ['Taken.'], non_field_errors: ['No.', 'Not so.'], profile_image: 'Too large.' };
    expect(readFieldErrors(body)).toEqual({
      username: ['Taken.'],
      non_field_errors: ['No.', 'Not so.'],
      profile_image: ['Too large.'],
    });
  });

  test('a Python list printed into a sentence is taken apart', () => {
    const body = { password: [`['Too short. At least 8.', "It isn't good.", 'It\\'s common.']`] };
    expect(readFieldErrors(body)['password']).toEqual([
      'Too short. At least 8.',
      "It isn't good.",
      "It's common.",
    ]);
  });

  test('a sentence in brackets that is no list stays as it is', () => {
    expect(readFieldErrors({ a: ['[optional]'] })).toEqual({ a: ['[optional]'] });
  });

  test('anything else has none', () => {
    for (const body of [undefined, null, 'x', 7, { a: [1, null] }, []])
      expect(readFieldErrors(body)).toEqual({});
  });
});

describe('failures', () => {
  test('silence, overload and server errors are worth another try, refusals are not', () => {
    const transient = [0, 408, 429, 500, 502, 503].map((status) => isTransient(new WireFailure({ status })));
    expect(transient).toEqual([true, true, true, true, true, true]);
    expect([400, 401, 403, 404, 409, 413].some((status) => isTransient(new WireFailure({ status })))).toBe(
      false,
    );
  });

  test("a refusal is explained in the server's words, an error inside is not", () => {
    expect(explain(new WireFailure({ status: 403, body: { error: 'Not yours.' } }))).toBe('Not yours.');
    expect(explain(new WireFailure({ status: 400, body: { bio: ['Too long.'] } }))).toBe('Too long.');
    expect(explain(new WireFailure({ status: 500, body: { error: 'SQL' } }))).not.toContain('SQL');
    expect(explain(new WireFailure({ status: 429, waitMs: 12_000 }))).toContain('12 seconds');
  });
});

test('Retry-After is seconds or a date, and never negative', () => {
  const now = Date.parse('2026-06-15T12:00:00Z');
  expect(readRetryAfter('7', now)).toBe(7000);
  expect(readRetryAfter('Mon, 15 Jun 2026 12:00:30 GMT', now)).toBe(30_000);
  expect(readRetryAfter('Mon, 15 Jun 2026 11:00:00 GMT', now)).toBe(0);
  for (const nothing of [null, '', 'soon', '-5']) expect(readRetryAfter(nothing, now)).toBe(0);
});
