import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTurnstile } from './turnstile.ts';

const refuse = (): Error => new Error('full');

test('works beyond the bound wait and run in the order in which they came', async () => {
  const turnstile = createTurnstile({ concurrency: 2, queueLimit: 10, refuse });
  const started: number[] = [];
  const gates = [0, 1, 2, 3, 4].map(() => Promise.withResolvers<void>());
  const works = gates.map((gate, index) =>
    turnstile(async () => {
      started.push(index);
      await gate.promise;
      return index;
    }),
  );
  await setImmediate();
  expect(started).toEqual([0, 1]);
  gates[1]?.resolve();
  await works[1];
  gates[2]?.resolve();
  await works[2];
  await setImmediate();
  expect(started).toEqual([0, 1, 2, 3]);
  for (const gate of gates) gate.resolve();
  expect(await Promise.all(works)).toEqual([0, 1, 2, 3, 4]);
});

test('a full queue refuses at once', async () => {
  const turnstile = createTurnstile({ concurrency: 1, queueLimit: 1, refuse });
  const gate = Promise.withResolvers<void>();
  const running = turnstile(() => gate.promise);
  const waiting = turnstile(() => gate.promise);
  await expect(turnstile(() => gate.promise)).rejects.toThrow('full');
  gate.resolve();
  await Promise.all([running, waiting]);
  expect(await turnstile(() => Promise.resolve('room again'))).toBe('room again');
});

test('a work that fails leaves its place to the next', async () => {
  const turnstile = createTurnstile({ concurrency: 1, queueLimit: 1, refuse });
  const failing = turnstile(() => Promise.reject(new Error('broken')));
  const next = turnstile(() => Promise.resolve('done'));
  await expect(failing).rejects.toThrow('broken');
  expect(await next).toBe('done');
});
