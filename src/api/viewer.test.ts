import type { FastifyRequest } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { insertPerson, openTestDatabase, type TestDatabase } from '../../test/support/databases.ts';
import { createUsers, type Users } from '../features/users/index.ts';
import { createLimits } from '../platform/limits/limits.ts';
import { createViewers, type Viewers } from './viewer.ts';

const LIFETIME = 3_600_000;
const NO_CREDENTIALS = { kind: 'unauthenticated', code: 'no_credentials' };
const BAD_HEADER = { kind: 'unauthenticated', code: 'bad_header' };
const INVALID = { kind: 'unauthenticated', code: 'token_invalid' };

let opened: TestDatabase;
let users: Users;
let viewers: Viewers;
let ann: { userId: number; profileId: number };
let access: string;
beforeEach(async () => {
  opened = await openTestDatabase();
  const { database } = opened;
  users = createUsers({
    ...{ database, limits: createLimits({ factor: 1, now: Date.now }), now: Date.now },
    ...{ secretKey: 'a secret of these tests', hashConcurrency: 1 },
    tokens: { accessLifetimeMs: LIFETIME, refreshLifetimeMs: LIFETIME, sessionLifetimeMs: LIFETIME },
  });
  viewers = createViewers(users.sessions);
  ann = await insertPerson(database, 'ann');
  access = (await users.sessions.start(ann.userId)).access;
});
afterEach(() => opened[Symbol.asyncDispose]());

const asking = (authorization?: string, more: object = {}) =>
  ({ headers: { authorization }, ...more }) as unknown as FastifyRequest;

test('a viewer is the one whose token the header bears, however many blanks are about it', async () => {
  const expected = { ...ann, sessionId: expect.any(Number), role: 'user' };
  for (const header of [`Bearer ${access}`, `Bearer   ${access}`, `  Bearer ${access} `]) {
    expect(await viewers.require(asking(header))).toEqual(expected);
    expect(await viewers.find(asking(header))).toEqual(expected);
  }
});

test('no header, or one of another scheme, is nobody', async () => {
  for (const header of [
    undefined,
    '',
    ' ',
    access,
    `Basic ${access}`,
    `bearer ${access}`,
    `Token ${access}`,
  ]) {
    expect(await viewers.find(asking(header))).toBeUndefined();
    await expect(viewers.require(asking(header))).rejects.toMatchObject(NO_CREDENTIALS);
  }
});

test('a token anywhere else is not looked at', async () => {
  const body = { access, token: access, Authorization: `Bearer ${access}` };
  const everywhere = { query: body, body, cookies: body, params: body };
  await expect(viewers.require(asking(undefined, everywhere))).rejects.toMatchObject(NO_CREDENTIALS);
});

test('a header that is not two words, or bears no good token, is refused even where none is needed', async () => {
  for (const header of ['Bearer', 'Bearer ', `Bearer ${access} ${access}`]) {
    await expect(viewers.find(asking(header)), header).rejects.toMatchObject(BAD_HEADER);
    await expect(viewers.require(asking(header)), header).rejects.toMatchObject(BAD_HEADER);
  }
  for (const token of ['x', `${access}x`]) {
    await expect(viewers.find(asking(`Bearer ${token}`))).rejects.toMatchObject(INVALID);
    await expect(viewers.require(asking(`Bearer ${token}`))).rejects.toMatchObject(INVALID);
  }
});

test('who asks is worked out once for a request, and anew for the next', async () => {
  const request = asking(`Bearer ${access}`);
  const viewer = await viewers.require(request);
  await users.accounts.setSuspended({ username: 'ann', suspended: true });
  expect(await viewers.require(request)).toBe(viewer);
  await expect(viewers.require(asking(`Bearer ${access}`))).rejects.toMatchObject({ code: 'user_inactive' });
});
