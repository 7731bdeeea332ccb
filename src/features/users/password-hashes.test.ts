import { pbkdf2Sync } from 'node:crypto';
import { hash } from '@node-rs/argon2';
import { describe, expect, test } from 'vitest';
import { DomainError } from '../../platform/errors.ts';
import { createPasswordHashes } from './password-hashes.ts';

const light = { concurrency: 2, queueLimit: 100, memoryKiB: 1024, iterations: 1 };
const passwords = createPasswordHashes(light);

// Made with Python's hashlib for 'correct horse battery' and 'pä\0ss wörd ', as Django stores them.
const django = 'pbkdf2_sha256$260000$seasalt$5q6zv2yMVp524Dm+hdzXL4MRK7tsR28QdW8vM5+uOvA=';
const djangoOdd = 'pbkdf2_sha256$1000$Zz9$RH2q02M7OTfw1vxoownpzopE1y2DXHtxQImOrMh/H5c=';

test('a hash is argon2id of at least 19456 KiB and two passes, salted afresh each time', async () => {
  const strong = createPasswordHashes({ concurrency: 1, queueLimit: 2 });
  const [one, other] = await Promise.all([strong.hash('secret'), strong.hash('secret')]);
  expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  expect(one).not.toBe(other);
  expect(await strong.verify('secret', one)).toBe(true);
  expect(strong.needsRehash(one)).toBe(false);
});

test('only the very same password verifies: nothing is cut or trimmed', async () => {
  const odd = ' pä\0ss wörd ';
  const stored = await passwords.hash(odd);
  expect(await passwords.verify(odd, stored)).toBe(true);
  for (const other of ['', ' pä', ' pä\0', odd.trim(), ' pä\0ss wörd', ' PÄ\0ss wörd ', `${odd}\0`]) {
    expect(await passwords.verify(other, stored)).toBe(false);
  }
  const long = 'x'.repeat(200);
  expect(await passwords.verify(`${long}y`, await passwords.hash(`${long}z`))).toBe(false);
});

test("Django's pbkdf2 verifies and is always to be replaced", async () => {
  expect(await passwords.verify('correct horse battery', django)).toBe(true);
  expect(await passwords.verify('correct horse batter', django)).toBe(false);
  expect(await passwords.verify('pä\0ss wörd ', djangoOdd)).toBe(true);
  expect(await passwords.verify('pä', djangoOdd)).toBe(false);
  expect(passwords.needsRehash(django)).toBe(true);
});

test('weaker parameters, another kind and nonsense are to be replaced', async () => {
  const stored = await passwords.hash('secret');
  expect(passwords.needsRehash(stored)).toBe(false);
  expect(createPasswordHashes({ ...light, memoryKiB: 2048 }).needsRehash(stored)).toBe(true);
  expect(createPasswordHashes({ ...light, iterations: 2 }).needsRehash(stored)).toBe(true);
  expect(createPasswordHashes({ ...light, memoryKiB: 512 }).needsRehash(stored)).toBe(false);
  const made = (saltBytes: number, bytes: number): string =>
    ['$argon2id$v=19$m=1024,t=1,p=1', zeros(saltBytes), zeros(bytes)].join('$');
  expect(passwords.needsRehash(made(16, 32))).toBe(false);
  for (const other of ['', 'x', stored.replace('argon2id', 'argon2i'), stored.replace('v=19$', '')]) {
    expect(passwords.needsRehash(other)).toBe(true);
  }
  for (const other of [made(15, 32), made(16, 31)]) expect(passwords.needsRehash(other)).toBe(true);
});

const zeros = (bytes: number): string => Buffer.alloc(bytes).toString('base64').replaceAll('=', '');

test('a stored hash that asks for too much is false for its own password too', async () => {
  const password = 'correct horse battery';
  const argon2 = { memoryCost: 64, timeCost: 1, parallelism: 1 };
  const django = (salt: string, iterations: number): string => {
    const digest = pbkdf2Sync(password, salt, iterations, 32, 'sha256').toString('base64');
    return `pbkdf2_sha256$${iterations}$${salt}$${digest}`;
  };
  for (const [stored, right] of [
    [await hash(password, argon2), true],
    [await hash(password, { ...argon2, memoryCost: 128, parallelism: 16 }), true],
    [await hash(password, { ...argon2, memoryCost: 136, parallelism: 17 }), false],
    [await hash(password, { ...argon2, timeCost: 16_384 }), true],
    [await hash(password, { ...argon2, timeCost: 16_385 }), false],
    [await hash(password, { ...argon2, memoryCost: 262_145 }), false],
    [django('salt', 1_000), true],
    [django('', 1_000), false],
    [django('salt', 2_000_001), false],
  ] as const)
    expect(await passwords.verify(password, stored), stored).toBe(right);
});

describe('a stored hash that is malformed or hostile is quickly false:', () => {
  const argon2 =
    '$argon2id$v=19$m=1024,t=1,p=1$ZyyL/pMAerpmUFCxn8fN9Q$3h6iBdGoI7vRapljpa87Q4dkQ1i9qbPt9R7VcytI9Ks';
  test.each([
    '',
    '!',
    'secret',
    '\0',
    '$',
    '$$$$$',
    '$argon2id$v=19$',
    '$argon2id$v=19$m=1024,t=1,p=1$$',
    argon2.slice(0, -5),
    `${argon2}$x`,
    `${argon2}é`,
    argon2.replace('m=1024', 'm=4294967295'),
    argon2.replace('m=1024', 'm=262144').replace('t=1', 't=5'),
    argon2.replace('t=1', 't=4294967295'),
    argon2.replace('m=1024', 'm=-1'),
    argon2.replace('p=1', 'p=0'),
    argon2.replace('p=1', 'p=17'),
    argon2.replace('v=19', 'v=99'),
    'pbkdf2_sha256$',
    'pbkdf2_sha256$1000',
    'pbkdf2_sha256$1000$$',
    'pbkdf2_sha256$1000$salt$',
    'pbkdf2_sha256$1000$salt$AAAA',
    `${djangoOdd}$x`,
    djangoOdd.replace('$1000$', '$0$'),
    djangoOdd.replace('$1000$', '$-1$'),
    djangoOdd.replace('$1000$', '$1e3$'),
    djangoOdd.replace('$1000$', '$ 1000$'),
    djangoOdd.replace('$1000$', '$2000001$'),
    djangoOdd.replace('$1000$', '$99999999999$'),
    djangoOdd.replace('Zz9', ''),
    djangoOdd.replace('sha256', 'sha1'),
  ])('%j', async (stored) => {
    const started = performance.now();
    expect(await passwords.verify('pä\0ss wörd ', stored)).toBe(false);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

test('a full queue says when to come back, and what was queued still finishes', async () => {
  const narrow = createPasswordHashes({ ...light, concurrency: 1, queueLimit: 2 });
  const outcomes = await Promise.allSettled([
    narrow.hash('one'),
    narrow.verify('two', djangoOdd),
    narrow.decoy('three'),
    narrow.hash('four'),
    narrow.verify('five', djangoOdd),
    narrow.decoy('six'),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'fulfilled',
    'rejected',
    'rejected',
    'rejected',
  ]);
  const reason: unknown = outcomes[3]?.status === 'rejected' ? outcomes[3].reason : undefined;
  expect(reason).toBeInstanceOf(DomainError);
  expect(reason).toMatchObject({ kind: 'unavailable', code: 'sign_in_busy', details: { retryAfter: 2 } });
  await expect(narrow.decoy('again')).resolves.toBeUndefined();
});

test('a decoy costs about what a verification costs', async () => {
  const heavy = createPasswordHashes({ concurrency: 1, queueLimit: 2 });
  const stored = await heavy.hash('secret');
  const measure = async (work: () => Promise<unknown>): Promise<number> => {
    const rounds: number[] = [];
    for (let round = 0; round < 7; round += 1) {
      const started = performance.now();
      await work();
      rounds.push(performance.now() - started);
    }
    return Math.min(...rounds);
  };
  const [verifying, pretending] = [
    await measure(() => heavy.verify('wrong', stored)),
    await measure(() => heavy.decoy('wrong')),
  ];
  expect(pretending / verifying).toBeGreaterThan(0.4);
  expect(pretending / verifying).toBeLessThan(2.5);
});
