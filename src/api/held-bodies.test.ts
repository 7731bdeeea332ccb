import { beforeEach, expect, test } from 'vitest';
import { createHeldBodies, type HeldBodies, type HeldBody } from './held-bodies.ts';

const MAX = 100_000;
const piece = (bytes: number): Uint8Array => new Uint8Array(bytes);

let clock: number;
let bodies: HeldBodies;
/** Those that gave way, in order. */
let refused: string[];
beforeEach(() => {
  clock = 0;
  refused = [];
  bodies = createHeldBodies({ maxBytes: MAX, now: () => clock });
});

const hold = (name: string, address: string): HeldBody =>
  bodies.hold({
    address,
    refuse: ({ kind, details }) => {
      expect({ kind, details }).toEqual({ kind: 'unavailable', details: { retryAfter: 5 } });
      refused.push(name);
    },
  });

test('up to the bound nobody gives way, and what was released counts no more', () => {
  for (let time = 0; time < 10; time += 1) {
    const body = hold('one', '192.0.2.1');
    body.add(piece(90_000));
    expect(bodies.bytes).toBeGreaterThanOrEqual(90_000);
    body.release();
    body.release();
    expect(bodies.bytes).toBe(0);
  }
  expect(refused).toEqual([]);
});

test('an address that has the most gives way to others, with what it has had for the longest time', () => {
  hold('old of many', '192.0.2.1').add(piece(30_000));
  clock += 1_000;
  hold('new of many', '192.0.2.1').add(piece(30_000));
  clock += 10;
  hold('of another', '192.0.2.2').add(piece(25_000));
  hold('small', '192.0.2.3').add(piece(20_000));
  expect(refused).toEqual(['old of many']);
  hold('large', '192.0.2.4').add(piece(40_000));
  expect(refused).toEqual(['old of many', 'new of many']);
});

test('many addresses that have a little each for a long time give way to one that brings more in a moment', () => {
  for (let n = 1; n <= 9; n += 1) hold(`slow ${n}`, `192.0.2.${n}`).add(piece(10_000));
  clock += 60_000;
  const quick = hold('quick', '198.51.100.1');
  for (let n = 0; n < 4; n += 1) quick.add(piece(10_000));
  expect(refused).not.toContain('quick');
  expect(refused).toHaveLength(4);
});

test('addresses of one IPv6 network have one share', () => {
  for (let n = 1; n <= 4; n += 1) hold(`of one ${n}`, `2001:db8::${n}`).add(piece(15_000));
  hold('of another', '2001:db8:0:1::1').add(piece(30_000));
  hold('small', '192.0.2.1').add(piece(10_000));
  expect(refused).toEqual(['of one 1']);
});

test('what has come whole is not taken away: the next one gives way instead', () => {
  const whole = hold('whole', '192.0.2.1');
  whole.add(piece(90_000));
  whole.arrive(90_000);
  expect(bodies.bytes).toBe(90_000);
  clock += 1_000;
  hold('next', '192.0.2.2').add(piece(20_000));
  expect(refused).toEqual(['next']);
  whole.release();
  expect(bodies.bytes).toBe(0);
});

test('who gave way counts no more, whatever still comes', () => {
  const body = hold('one', '192.0.2.1');
  body.add(piece(MAX));
  body.add(piece(MAX));
  body.arrive(3 * MAX);
  expect(refused).toEqual(['one']);
  expect(bodies.bytes).toBe(0);
});

test('a byte at a time costs more than its bytes', () => {
  const body = hold('bytes', '192.0.2.1');
  for (let n = 0; n < 1_000; n += 1) body.add(piece(1));
  expect(refused).toEqual(['bytes']);
});
