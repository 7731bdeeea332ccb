import { expect, test } from 'vitest';
import { lane, openTestQueue } from '../../../test/support/workers.ts';
import { PermanentFailure } from './jobs.ts';
import { createJobSweep } from './sweep.ts';

const DAY = 86_400_000;

test('dead jobs are kept for thirty days, and those that wait for as long as it takes', async () => {
  await using queue = await openTestQueue();
  const worker = await queue.startWorker([
    lane(async () => {
      throw new PermanentFailure('not ever');
    }),
  ]);
  const sweep = createJobSweep(queue);
  const run = { id: 1, payload: {}, attempt: 1, confirm: async () => undefined };
  const pass = async (ms: number): Promise<(number | null)[]> => {
    queue.clock += ms;
    await sweep({ ...run, signal: new AbortController().signal });
    return (await queue.rows()).map(({ deadAt }) => deadAt);
  };
  await queue.enqueue('early');
  await worker.idle();
  const died = queue.clock;
  await worker.stop();
  await queue.enqueue('never looked at');
  expect(await pass(30 * DAY)).toEqual([died, null]);
  expect(await pass(1)).toEqual([null]);
});
