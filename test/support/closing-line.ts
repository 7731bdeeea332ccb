// The last line of a test run: `N passed, N failed`, and `, N skipped` when there are any. It is printed while the
// process exits, so nothing comes after it. It never says less than the exit code: a file or a hook that broke, an
// error outside any test, a run without tests and one that never got to its end each count as a failure.

import type { Reporter, TestModule } from 'vitest/node';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export default class ClosingLine implements Reporter {
  #counts: Counts | undefined;

  onInit(): void {
    process.once('exit', () => {
      const counts = this.#counts ?? { passed: 0, failed: 1, skipped: 0 };
      if (isBad(counts, process.env)) process.exitCode = 1;
      process.stdout.write(`${formatClosingLine(counts)}\n`);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = countTests(modules);
    counts.failed += unhandledErrors.length;
    if (counts.passed + counts.failed + counts.skipped === 0) counts.failed = 1;
    this.#counts = counts;
    if (isBad(counts, process.env)) process.exitCode = 1;
  }

  onProcessTimeout(): void {
    if (this.#counts) this.#counts.failed += 1;
  }
}

export function formatClosingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/** A run that proved nothing is bad, and so is one that left something out where nobody is watching. */
export function isBad(counts: Counts, environment: NodeJS.ProcessEnv): boolean {
  if (counts.failed > 0) return true;
  if (counts.passed === 0) return true;
  return counts.skipped > 0 && isSet(environment['CI']);
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false'].includes(value);
}

function countTests(modules: readonly TestModule[]): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const module of modules) {
    if (module.errors().length > 0) counts.failed += 1;
    for (const suite of module.children.allSuites()) {
      if (suite.errors().length > 0) counts.failed += 1;
    }
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') counts.passed += 1;
      else if (state === 'failed') counts.failed += 1;
      else counts.skipped += 1;
    }
  }
  return counts;
}
