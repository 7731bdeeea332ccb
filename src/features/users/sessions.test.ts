import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { insertPerson, openTestDatabase, type TestDatabase } from '../../../test/support/databases.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { createSessionSweep } from './sweep.ts';
import { createTokens, type TokenPair, type Tokens } from './tokens.ts';

const SECOND = 1_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 1);

let opened: TestDatabase;
let tokens: Tokens;
let sessions: Sessions;
let clock: number;
let ann: { userId: number; profileId: number };
let bob: { userId: number; profileId: number };

const now = (): number => clock;
/** As another process, or another site with the same key, has them. */
const sessionsOf = (database: TestDatabase['database']): Sessions =>
  createSessions({ ...{ database, tokens, now }, refreshLifetimeMs: DAY, sessionLifetimeMs: 3 * DAY });

beforeEach(async () => {
  clock = START;
  opened = await openTestDatabase();
  tokens = createTokens({ secretKey: 'a secret of these tests', accessLifetimeMs: 2 * HOUR, now });
  sessions = sessionsOf(opened.database);
  ann = await insertPerson(opened.database, 'ann');
  bob = await insertPerson(opened.database, 'bob');
});
afterEach(() => opened[Symbol.asyncDispose]());

const suspend = (userId: number): Promise<unknown> =>
  opened.database.transaction((tx) =>
    tx.updateTable('users').set({ suspendedAt: clock }).where('id', '=', userId).execute(),
  );
const rows = () => opened.database.read.selectFrom('sessions').selectAll().orderBy('createdAt').execute();
/** What refusing with `code` looks like. */
const refused = (code: string) => ({ kind: 'unauthenticated', code });
const expectOver = async (pair: TokenPair): Promise<void> => {
  await expect(sessions.refresh(pair.refresh)).rejects.toMatchObject(refused('token_blacklisted'));
  await expect(sessions.authenticate(pair.access)).rejects.toMatchObject(refused('session_ended'));
};

describe('an access token', () => {
  test('stands for its viewer', async () => {
    const { access } = await sessions.start(ann.userId);
    const [session] = await rows();
    expect(await sessions.authenticate(access)).toEqual({ ...ann, sessionId: session?.id, role: 'user' });
  });

  test('carries the role that the user has now, not the one of the sign-in', async () => {
    const { access } = await sessions.start(ann.userId);
    await opened.database.transaction((tx) => tx.updateTable('users').set({ role: 'admin' }).execute());
    expect(await sessions.authenticate(access)).toMatchObject({ role: 'admin' });
    await opened.database.transaction((tx) => tx.updateTable('users').set({ role: 'user' }).execute());
    expect(await sessions.authenticate(access)).toMatchObject({ role: 'user' });
  });

  test('ends after its lifetime, to the second', async () => {
    const { access } = await sessions.start(ann.userId);
    clock += 2 * HOUR - SECOND;
    await sessions.authenticate(access);
    clock += SECOND;
    await expect(sessions.authenticate(access)).rejects.toMatchObject(refused('token_invalid'));
  });

  test('is worth nothing where a refresh token is asked for, and the other way round', async () => {
    const { access, refresh } = await sessions.start(ann.userId);
    await expect(sessions.refresh(access)).rejects.toMatchObject(refused('token_wrong_type'));
    await expect(sessions.authenticate(refresh)).rejects.toMatchObject(refused('token_wrong_type'));
  });

  test('is worth nothing once its user is suspended or gone', async () => {
    const [of, gone] = [await sessions.start(ann.userId), await sessions.start(bob.userId)];
    await suspend(ann.userId);
    await expect(sessions.authenticate(of.access)).rejects.toMatchObject(refused('user_inactive'));
    await opened.database.transaction((tx) => tx.deleteFrom('users').where('id', '=', bob.userId).execute());
    await expect(sessions.authenticate(gone.access)).rejects.toMatchObject(refused('user_not_found'));
  });

  test('is worth nothing once its session is forgotten', async () => {
    const { access } = await sessions.start(ann.userId);
    await opened.database.transaction((tx) => tx.deleteFrom('sessions').execute());
    await expect(sessions.authenticate(access)).rejects.toMatchObject(refused('session_ended'));
  });
});

describe('refreshing', () => {
  test('gives a new pair that works, again and again', async () => {
    let pair = await sessions.start(ann.userId);
    const seen = new Set([pair.refresh, pair.access]);
    for (let round = 0; round < 5; round += 1) {
      clock += HOUR;
      pair = await sessions.refresh(pair.refresh);
      seen.add(pair.refresh).add(pair.access);
      expect(await sessions.authenticate(pair.access)).toMatchObject(ann);
    }
    expect(seen.size).toBe(12);
    expect(await rows()).toMatchObject([{ generation: 5, revokedAt: null }]);
  });

  test('the same token twenty times at once gives everybody the very same pair', async () => {
    const { refresh } = await sessions.start(ann.userId);
    clock += HOUR + 123;
    const pairs = await Promise.all(Array.from({ length: 20 }, () => sessions.refresh(refresh)));
    expect(new Set(pairs.map((pair) => JSON.stringify(pair))).size).toBe(1);
    expect(await rows()).toMatchObject([{ generation: 1, revokedAt: null }]);
    expect(await sessions.refresh(pairs[0]?.refresh ?? '')).not.toEqual(pairs[0]);
  });

  test('again within ten seconds gives the very same pair: the first answer was lost', async () => {
    const { refresh } = await sessions.start(ann.userId);
    clock += HOUR + 700;
    const first = await sessions.refresh(refresh);
    clock += 10 * SECOND;
    expect(await sessions.refresh(refresh)).toEqual(first);
  });

  test('with a token used longer ago ends the session everywhere: somebody has a copy', async () => {
    const { refresh, access } = await sessions.start(ann.userId);
    const successor = await sessions.refresh(refresh);
    clock += 10 * SECOND + 1;
    await expect(sessions.refresh(refresh)).rejects.toMatchObject(refused('token_blacklisted'));
    await expectOver(successor);
    await expectOver({ refresh, access });
  });

  test('with the grandparent of the current token ends the session, however soon', async () => {
    const { refresh } = await sessions.start(ann.userId);
    const child = await sessions.refresh(refresh);
    const grandchild = await sessions.refresh(child.refresh);
    await expect(sessions.refresh(refresh)).rejects.toMatchObject(refused('token_blacklisted'));
    await expectOver(grandchild);
  });

  test('with a used token is not forgiven because the clock was set back', async () => {
    clock += 2 * HOUR;
    const { refresh } = await sessions.start(ann.userId);
    const successor = await sessions.refresh(refresh);
    clock -= HOUR;
    await expect(sessions.refresh(refresh)).rejects.toMatchObject(refused('token_blacklisted'));
    await expectOver(successor);
  });

  test('that is reused ends one session and leaves the user their others', async () => {
    const [stolen, kept] = [await sessions.start(ann.userId), await sessions.start(ann.userId)];
    await sessions.refresh(stolen.refresh);
    clock += HOUR;
    await expect(sessions.refresh(stolen.refresh)).rejects.toMatchObject(refused('token_blacklisted'));
    expect(await sessions.authenticate(kept.access)).toMatchObject(ann);
    expect(await sessions.refresh(kept.refresh)).toHaveProperty('access');
  });

  test('ends when the token does', async () => {
    const { refresh } = await sessions.start(ann.userId);
    clock += DAY;
    await expect(sessions.refresh(refresh)).rejects.toMatchObject(refused('token_invalid'));
  });

  test('cannot keep a session alive beyond its own lifetime', async () => {
    let pair = await sessions.start(ann.userId);
    for (let round = 0; round < 5; round += 1) {
      clock += 14 * HOUR;
      pair = await sessions.refresh(pair.refresh);
    }
    // 70 of 72 hours are over: what is left is less than either token's own lifetime.
    clock += 2 * HOUR - SECOND;
    expect(await sessions.authenticate(pair.access)).toMatchObject(ann);
    const last = await sessions.refresh(pair.refresh);
    clock += SECOND;
    await expect(sessions.authenticate(last.access)).rejects.toMatchObject(refused('token_invalid'));
    await expect(sessions.refresh(last.refresh)).rejects.toMatchObject(refused('token_invalid'));
  });

  test('is refused to a suspended user', async () => {
    const pair = await sessions.start(ann.userId);
    await suspend(ann.userId);
    await expect(sessions.refresh(pair.refresh)).rejects.toMatchObject(refused('token_blacklisted'));
  });
});

describe('signing out', () => {
  test('ends the session at once, for both tokens', async () => {
    const pair = await sessions.start(ann.userId);
    const viewer = await sessions.authenticate(pair.access);
    expect(await sessions.end({ viewer, refreshToken: pair.refresh })).toBe(true);
    await expectOver(pair);
  });

  test('counts at once in another process on the same database, whatever that has seen before', async () => {
    await using database = await opened.reopen();
    const elsewhere = sessionsOf(database);
    const { refresh } = await sessions.start(ann.userId);
    const pair = await elsewhere.refresh(refresh);
    const viewer = await elsewhere.authenticate(pair.access);
    await sessions.end({ viewer, refreshToken: refresh });
    await expect(elsewhere.authenticate(pair.access)).rejects.toMatchObject(refused('session_ended'));
    await expect(elsewhere.refresh(pair.refresh)).rejects.toMatchObject(refused('token_blacklisted'));
  });

  test('works with a refresh token that was used or has ended', async () => {
    const pair = await sessions.start(ann.userId);
    const successor = await sessions.refresh(pair.refresh);
    const viewer = await sessions.authenticate(successor.access);
    clock += 2 * DAY;
    expect(await sessions.end({ viewer, refreshToken: pair.refresh })).toBe(true);
    expect(await rows()).toMatchObject([{ revokedAt: clock }]);
  });

  test('does not end what is no token of ours, nor anybody else', async () => {
    const [mine, theirs] = [await sessions.start(ann.userId), await sessions.start(bob.userId)];
    const viewer = await sessions.authenticate(mine.access);
    for (const refreshToken of ['', 'no token', mine.access])
      expect(await sessions.end({ viewer, refreshToken })).toBe(false);
    expect(await sessions.authenticate(mine.access)).toMatchObject(ann);
    await sessions.end({ viewer, refreshToken: theirs.refresh });
    expect(await sessions.authenticate(theirs.access)).toMatchObject(bob);
  });

  test('everywhere ends all sessions of that user and of nobody else', async () => {
    const pairs = [await sessions.start(ann.userId), await sessions.start(ann.userId)];
    const other = await sessions.start(bob.userId);
    await opened.database.transaction((tx) => sessions.endAll(tx, ann.userId));
    for (const pair of pairs) await expectOver(pair);
    expect(await sessions.authenticate(other.access)).toMatchObject(bob);
  });
});

describe('a token of a sign-in that a restored database does not know', () => {
  test('is worth nothing there, whoever signs in after the restore', async () => {
    const lost = [await sessions.start(ann.userId), await sessions.start(bob.userId)];
    await using restored = await openTestDatabase();
    const there = sessionsOf(restored.database);
    for (const name of ['ann', 'bob']) await insertPerson(restored.database, name);
    // Whoever lost a session, and somebody else.
    const fresh = [await there.start(ann.userId), await there.start(ann.userId)];
    for (const { access, refresh } of lost) {
      await expect(there.authenticate(access)).rejects.toMatchObject(refused('session_ended'));
      await expect(there.refresh(refresh)).rejects.toMatchObject(refused('token_blacklisted'));
    }
    for (const { access } of fresh) expect(await there.authenticate(access)).toMatchObject(ann);
  });

  test('refreshes nobody but the user whom it names', async () => {
    const pair = await sessions.start(ann.userId);
    const { sessionId } = await sessions.authenticate(pair.access);
    const foreign = { userId: bob.userId, sessionId, generation: 0 };
    const { refresh } = await tokens.issue({ ...foreign, issuedAt: clock, refreshUntil: clock + DAY });
    await expect(sessions.refresh(refresh)).rejects.toMatchObject(refused('token_blacklisted'));
    expect(await sessions.authenticate(pair.access)).toMatchObject(ann);
  });
});

test('the sweep forgets sessions whose last token has ended, and no other', async () => {
  const old = await sessions.start(ann.userId);
  clock += DAY - HOUR;
  const fresh = await sessions.start(ann.userId);
  await sessions.refresh(old.refresh);
  await sessions.start(bob.userId);
  clock += DAY - HOUR;
  const kept = await sessions.refresh(fresh.refresh);
  clock += 2 * HOUR;
  const sweep = createSessionSweep({ database: opened.database, now: () => clock });
  await sweep({
    ...{ id: 1, payload: {}, attempt: 1, signal: new AbortController().signal },
    confirm: async () => undefined,
  });
  expect(await rows()).toMatchObject([{ userId: ann.userId, createdAt: START + DAY - HOUR }]);
  expect(await sessions.refresh(kept.refresh)).toHaveProperty('refresh');
});
