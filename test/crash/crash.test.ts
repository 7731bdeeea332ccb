import { expect, test } from 'vitest';
import { onPostgres } from '../support/engines.ts';
import { runStorms } from './storms.ts';

// Where the database is a process of its own it outlives the server; test/constellation/ kills it too.
const rounds = onPostgres ? 10 : 20;

test(`nothing that was answered is lost or doubled when the server is killed, ${rounds} times`, async () => {
  const lines: string[] = [];
  const report = await runStorms({ rounds, seed: 'veranda', print: (line) => lines.push(line) });
  expect(report.acknowledged).toBeGreaterThan(10 * rounds);
  expect(report.inDoubt).toBeGreaterThan(rounds);
  expect(report.videosReady + report.videosFailed).toBeGreaterThan(0);
});
