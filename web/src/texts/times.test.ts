import { expect, test } from 'vitest';
import { tellFullTime, tellPlace, tellTime } from './times.ts';

const NOW = Date.parse('2026-06-15T12:00:00Z');
const SECOND = 1000;
const HOUR = 3600 * SECOND;

function ago(ms: number): string {
  return tellTime(new Date(NOW - ms).toISOString(), NOW, 'en');
}

test('a moment ago, and a clock a little ahead, are now', () => {
  expect(ago(0)).toBe('now');
  expect(ago(44 * SECOND)).toBe('now');
  expect(ago(-20 * SECOND)).toBe('now');
});

test('minutes, hours and days are counted', () => {
  expect(ago(50 * SECOND)).toBe('1 min. ago');
  expect(ago(59 * 60 * SECOND)).toBe('59 min. ago');
  expect(ago(HOUR)).toBe('1 hr. ago');
  expect(ago(24 * HOUR)).toBe('yesterday');
  expect(ago(3 * 24 * HOUR)).toBe('3 days ago');
});

test('from a week on the date is told, with the year where it is another', () => {
  expect(ago(10 * 24 * HOUR)).toBe('Jun 5');
  expect(tellTime('2024-02-03T12:00:00Z', NOW, 'en')).toBe('Feb 3, 2024');
});

test('a broken date is told as nothing', () => {
  expect(tellTime('soon', NOW)).toBe('');
  expect(tellFullTime('soon')).toBe('');
});

test.each([
  [0, '0:00'],
  [7.9, '0:07'],
  [61, '1:01'],
  [3_723, '1:02:03'],
])('%d seconds into a video are %s', (seconds, told) => {
  expect(tellPlace(seconds)).toBe(told);
});
