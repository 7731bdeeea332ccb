import { pbkdf2Sync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { insertPerson, openTestDatabase, type TestDatabase } from '../../../test/support/databases.ts';
import { unavailable } from '../../platform/errors.ts';
import { createLimits } from '../../platform/limits/limits.ts';
import { type Accounts, createAccounts, type SignUpForm } from './accounts.ts';
import { createPasswordHashes, type PasswordHashes } from './password-hashes.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { createTokens } from './tokens.ts';

const PASSWORD = 'a long and odd phrase 77';
/** What Django makes of `PASSWORD` with few rounds. */
const DJANGO = 'pbkdf2_sha256$1000$';
const FORM: SignUpForm = {
  ...{ username: 'Ann', firstName: 'Ann', lastName: 'Lee', email: 'Ann@Example.org', password: PASSWORD },
};
const TAKEN_USERNAME = 'A user with that username already exists.';
const TAKEN_EMAIL = 'Email address is already in use.';
const address = '192.0.2.1';
const WRONG = { kind: 'unauthenticated', code: 'wrong_credentials' };
const weakened = (cost: { memoryKiB?: number; iterations?: number }) =>
  createPasswordHashes({ concurrency: 1, queueLimit: 1, ...cost });

let opened: TestDatabase;
let sessions: Sessions;
let accounts: Accounts;
let clock: number;
const hashes = createPasswordHashes({ concurrency: 2, queueLimit: 100 });

beforeEach(async () => {
  clock = Date.UTC(2026, 0, 1);
  opened = await openTestDatabase();
  const { database } = opened;
  const now = (): number => clock;
  const tokens = createTokens({ secretKey: 'a secret of these tests', accessLifetimeMs: 7_200_000, now });
  sessions = createSessions({
    ...{ database, tokens, now, refreshLifetimeMs: 86_400_000, sessionLifetimeMs: 864_000_000 },
  });
  accounts = createAccounts({ database, hashes, sessions, limits: createLimits({ factor: 1, now }), now });
});
afterEach(() => opened[Symbol.asyncDispose]());

async function signUp(form: Partial<SignUpForm> = {}): Promise<number> {
  const user = await accounts.prepare({ ...FORM, ...form });
  return opened.database.transaction(async (tx) => {
    const userId = await accounts.insert(tx, user);
    await tx
      .insertInto('profiles')
      .values({ userId, pictureKey: null, coverKey: null, createdAt: clock })
      .execute();
    return userId;
  });
}
const signIn = (username: string, password = PASSWORD) => accounts.signIn({ username, password, address });
const setHash = (userId: number, passwordHash: string): Promise<void> =>
  opened.database.transaction(async (tx) => {
    await tx.updateTable('users').set({ passwordHash }).where('id', '=', userId).execute();
  });
/** Accounts whose passwords are compared so. */
function checkedBy(verify: PasswordHashes['verify']): Accounts {
  const { database } = opened;
  const now = (): number => clock;
  const limits = createLimits({ factor: 1, now });
  return createAccounts({ database, hashes: { ...hashes, verify }, sessions, limits, now });
}
const fieldsOf = (error: unknown): unknown => (error as { details?: { fields?: unknown } }).details?.fields;

describe('signing up', () => {
  test('keeps what was typed and signs in by any spelling of the name', async () => {
    await signUp();
    expect(await accounts.list()).toMatchObject([
      { username: 'Ann', email: 'Ann@Example.org', role: 'user', createdAt: clock, suspendedAt: null },
    ]);
    for (const name of ['Ann', 'ann', 'ANN', ' ann ', 'Ａｎｎ'])
      await expect(signIn(name), name).resolves.toHaveProperty('access');
  });

  test('tells everything that is wrong at once, and does no costly work for it', async () => {
    const refusal = await accounts
      .prepare({
        username: 'a b',
        firstName: ' ',
        lastName: 'x'.repeat(151),
        email: 'nobody',
        password: '12',
      })
      .catch(fieldsOf);
    expect(refusal).toEqual({
      username: expect.any(Array),
      email: expect.any(Array),
      password: expect.any(Array),
      non_field_errors: ['First name may not be blank.', 'Last name may have no more than 150 characters.'],
    });
  });

  test('names what is taken, in any spelling', async () => {
    await signUp();
    const refusal = await accounts
      .prepare({ ...FORM, username: 'aNN', email: 'ann@EXAMPLE.org' })
      .catch(fieldsOf);
    expect(refusal).toEqual({ username: [TAKEN_USERNAME], email: [TAKEN_EMAIL] });
    const taken = (form: Partial<SignUpForm>) => accounts.prepare({ ...FORM, ...form }).catch(fieldsOf);
    expect(await taken({ email: 'other@example.org' })).toEqual({ username: [TAKEN_USERNAME] });
    expect(await taken({ username: 'other' })).toEqual({ email: [TAKEN_EMAIL] });
  });

  test('of the same name ten times at once succeeds once, and the others are told why', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) => signUp({ email: `ann${index}@example.org` })),
    );
    const refusals = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [fieldsOf(outcome.reason)] : [],
    );
    expect(refusals).toEqual(Array.from({ length: 9 }, () => ({ username: [TAKEN_USERNAME] })));
    expect(await accounts.list()).toHaveLength(1);
  });

  test('of two names that look alike in two scripts at once succeeds once', async () => {
    const names = ['coco', '\u0441\u043e\u0441\u043e'];
    const outcomes = await Promise.allSettled(
      names.map((username, index) => signUp({ username, email: `look${index}@example.org` })),
    );
    const refusals = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [fieldsOf(outcome.reason)] : [],
    );
    expect(refusals).toEqual([{ username: ['This username looks like another one that is taken.'] }]);
    expect(await accounts.list()).toHaveLength(1);
  });

  test('of the same address twice at once succeeds once', async () => {
    const outcomes = await Promise.allSettled(['one', 'two'].map((username) => signUp({ username })));
    const refusal = outcomes.find((outcome) => outcome.status === 'rejected');
    expect(fieldsOf(refusal?.reason)).toEqual({ email: [TAKEN_EMAIL] });
  });
});

describe('signing in', () => {
  test('is refused alike for a wrong password, an unknown name and a suspended user', async () => {
    await signUp();
    await signUp({ username: 'bob', email: 'bob@example.org' });
    await accounts.setSuspended({ username: 'BOB', suspended: true });
    for (const attempt of [() => signIn('ann', 'wrong'), () => signIn('nobody'), () => signIn('bob')])
      await expect(attempt()).rejects.toMatchObject(WRONG);
    await expect(signIn('', '')).rejects.toMatchObject(WRONG);
  });

  test('takes about as long for an unknown name as for a wrong password', async () => {
    await signUp();
    const time = async (name: string): Promise<number> => {
      const began = performance.now();
      await signIn(name, 'wrong').catch(() => undefined);
      return performance.now() - began;
    };
    const times = { known: 0, unknown: 0 };
    for (let round = 0; round < 5; round += 1) {
      times.known += await time('ann');
      times.unknown += await time(`nobody${round}`);
    }
    expect(times.unknown / times.known).toBeGreaterThan(0.4);
    expect(times.unknown / times.known).toBeLessThan(2.5);
  });

  test.each<[kind: string, make: () => Promise<string>]>([
    [
      "Django's",
      async () => `${DJANGO}salt$${pbkdf2Sync(PASSWORD, 'salt', 1_000, 32, 'sha256').toString('base64')}`,
    ],
    ['argon2id of less memory', () => weakened({ memoryKiB: 9_728 }).hash(PASSWORD)],
    ['argon2id of one pass', () => weakened({ iterations: 1 }).hash(PASSWORD)],
  ])('brings an old hash up to date, and the password stays the same: %s', async (_, make) => {
    const userId = await signUp();
    const old = await make();
    const hash = async (): Promise<string | undefined> =>
      (
        await opened.database.read
          .selectFrom('users')
          .select('passwordHash')
          .where('id', '=', userId)
          .executeTakeFirst()
      )?.passwordHash;
    await opened.database.transaction((tx) => tx.updateTable('users').set({ passwordHash: old }).execute());
    await expect(signIn('ann', 'wrong')).rejects.toMatchObject(WRONG);
    expect(await hash()).toBe(old);
    await signIn('ann');
    const fresh = await hash();
    expect(fresh).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,/);
    await signIn('ann');
    expect(await hash()).toBe(fresh);
  });

  test('right passwords are not counted, wrong ones are, until the hour is over', async () => {
    await signUp();
    for (let round = 0; round < 30; round += 1) await signIn('ann');
    for (let round = 0; round < 20; round += 1)
      await expect(signIn('ann', 'wrong')).rejects.toMatchObject(WRONG);
    await expect(signIn('ANN')).rejects.toMatchObject({
      kind: 'rate_limited',
      details: { retryAfter: 3_600 },
    });
    clock += 3_600_000;
    await signIn('ann');
  });

  test('what the server was too busy to check is not counted', async () => {
    await signUp();
    let isBusy = true;
    const { signIn } = checkedBy(async (password, hash) => {
      if (isBusy) throw unavailable('sign_in_busy', 'Too many people are signing in right now.');
      return hashes.verify(password, hash);
    });
    const credentials = { username: 'ann', password: PASSWORD, address };
    for (let round = 0; round < 30; round += 1)
      await expect(signIn(credentials)).rejects.toMatchObject({ code: 'sign_in_busy' });
    isBusy = false;
    expect(await signIn(credentials)).toHaveProperty('access');
  });

  test.each<[what: string, change: (userId: number) => Promise<void>]>([
    ['another password is set', (userId) => setHash(userId, 'another')],
    ['the user is suspended', () => accounts.setSuspended({ username: 'ann', suspended: true })],
  ])('while %s is refused, although the password was right when it was compared', async (_, change) => {
    const userId = await signUp();
    const { signIn } = checkedBy(async (password, hash) => {
      const isRight = await hashes.verify(password, hash);
      await change(userId);
      return isRight;
    });
    await expect(signIn({ username: 'ann', password: PASSWORD, address })).rejects.toMatchObject(WRONG);
  });

  test('twice at once with a hash of old brings both in', async () => {
    await setHash(await signUp(), await weakened({ iterations: 1 }).hash(PASSWORD));
    for (const { access } of await Promise.all([signIn('ann'), signIn('ann')]))
      expect(await sessions.authenticate(access)).toMatchObject({ role: 'user' });
  });
});

describe('suspending', () => {
  test('ends all sessions and keeps the user out, until they are let in again', async () => {
    await signUp();
    const pair = await signIn('ann');
    await accounts.setSuspended({ username: 'Ann', suspended: true });
    await expect(sessions.authenticate(pair.access)).rejects.toMatchObject({ code: 'user_inactive' });
    await accounts.setSuspended({ username: 'Ann', suspended: false });
    await expect(sessions.authenticate(pair.access)).rejects.toMatchObject({ code: 'session_ended' });
    expect(await sessions.authenticate((await signIn('ann')).access)).toMatchObject({ role: 'user' });
  });

  test('oneself is refused once another password is set than the one that was compared', async () => {
    const userId = await signUp();
    const pair = await signIn('ann');
    await setHash(userId, 'another');
    const suspend = (passwordHash: string) =>
      opened.database.transaction((tx) => accounts.suspendOwn(tx, { userId, passwordHash }));
    await expect(suspend('the one before')).rejects.toMatchObject({ kind: 'invalid' });
    expect(await sessions.authenticate(pair.access)).toMatchObject({ role: 'user' });
    await suspend('another');
    await expect(sessions.authenticate(pair.access)).rejects.toMatchObject({ code: 'user_inactive' });
  });

  test('of nobody is not found', async () => {
    const missing = accounts.setSuspended({ username: 'nobody', suspended: true });
    await expect(missing).rejects.toMatchObject({ kind: 'not_found' });
  });
});

test('a new name is kept within the rules, and only what was given is changed', async () => {
  const { userId } = await insertPerson(opened.database, 'ann');
  const rename = (name: { firstName?: string; lastName?: string }): Promise<void> =>
    opened.database.transaction((tx) => accounts.rename(tx, { userId, ...name }));
  const names = () => opened.database.read.selectFrom('users').select(['firstName', 'lastName']).execute();
  await rename({ firstName: 'Änn-Márie' });
  await rename({ lastName: '李' });
  expect(await names()).toEqual([{ firstName: 'Änn-Márie', lastName: '李' }]);
  for (const bad of ['', '  ', 'a\nb', 'a\u0000', '😀'.repeat(151)])
    await expect(rename({ firstName: bad })).rejects.toMatchObject({ kind: 'invalid' });
  await rename({ firstName: '😀'.repeat(150) });
  expect(await names()).toMatchObject([{ lastName: '李' }]);
});
