import { expect, test } from 'vitest';
import { formatClosingLine, isBad } from './closing-line.ts';

const run = (passed: number, failed = 0, skipped = 0) => ({ passed, failed, skipped });

test('a run is bad that failed or proved nothing, and where nobody watches one that skipped something', () => {
  const [watched, alone] = [{}, { CI: 'true' }];
  for (const environment of [watched, alone]) {
    expect(isBad(run(3), environment)).toBe(false);
    expect(isBad(run(3, 1), environment)).toBe(true);
    expect(isBad(run(0, 0, 3), environment)).toBe(true);
  }
  expect(isBad(run(3, 0, 1), watched)).toBe(false);
  expect(isBad(run(3, 0, 1), alone)).toBe(true);
});

test('its last line has what was skipped only if something was', () => {
  expect(formatClosingLine(run(3, 1))).toBe('3 passed, 1 failed');
  expect(formatClosingLine(run(3, 0, 2))).toBe('3 passed, 0 failed, 2 skipped');
});
