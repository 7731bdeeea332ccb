import { expect, test } from 'vitest';
import { runUploadStorm } from './upload-storm.ts';

test('a large file arrives by tus-js-client through cuts, stalls, lost answers and kills, and little is sent twice', async () => {
  const report = await runUploadStorm({ seed: 2_026, megabytes: 150, faults: 30, kills: 2 });
  expect(report).toMatchObject({ isSame: true, lost: 0 });
  expect(report.met['kill']).toBeGreaterThan(0);
  expect(report.met['abandoned']).toBeGreaterThan(0);
  expect(report.sentAgain).toBeLessThanOrEqual(report.mayBeSentAgain);
  expect(report.peakMemory).toBeLessThan(200);
});
