import { expect, test } from 'vitest';
import { runStorms } from './storms.ts';

test('nothing that was answered is lost or doubled when the server is killed, twenty times', async () => {
  const lines: string[] = [];
  const report = await runStorms({ rounds: 20, seed: 'veranda', print: (line) => lines.push(line) });
  expect(report.acknowledged).toBeGreaterThan(200);
  expect(report.inDoubt).toBeGreaterThan(20);
  expect(report.videosReady + report.videosFailed).toBeGreaterThan(0);
});
