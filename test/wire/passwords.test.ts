// A new password for oneself: over the wire, with the present one.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, call, join } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';

const NEW = 'Calm-Lighthouse-52';

let site: TestServer;
beforeAll(async () => {
  site = await startServer();
});
afterAll(() => site[Symbol.asyncDispose]());

interface Change {
  password: string;
  next: string;
  base?: string;
}

const change = (token: string, { password, next, base = site.base }: Change): Promise<Answer> =>
  call(base, '/api/users/user/password/', { token, body: { password, new_password: next } });
const signIn = (username: string, password: string): Promise<Answer> =>
  call(site.base, '/api/users/user/token/', { body: { username, password } });
const author = async (token: string): Promise<number> =>
  (await call(site.base, '/api/users/author/', { token })).status;

test('is answered with a new sign-in, and every other one ends', async () => {
  const { username, password, access, refresh } = await join(site.base);
  const elsewhere = (await signIn(username, password)).json;
  const changed = await change(access, { password, next: NEW });
  expect([changed.status, Object.keys(changed.json)]).toEqual([200, ['refresh', 'access']]);
  expect(await author(changed.json.access)).toBe(200);
  for (const token of [access, elsewhere.access]) expect(await author(token)).toBe(401);
  for (const token of [refresh, elsewhere.refresh])
    expect(
      (await call(site.base, '/api/users/user/token/refresh/', { body: { refresh: token } })).status,
    ).toBe(401);
  expect((await signIn(username, password)).status).toBe(401);
  expect((await signIn(username, NEW)).status).toBe(200);
});

test('is refused without the present one, and where it is weak', async () => {
  const { username, password, access } = await join(site.base);
  for (const wrong of ['Wrong-Harbour-42', ''])
    expect((await change(access, { password: wrong, next: NEW })).json).toEqual({
      password: ['This is not your present password.'],
    });
  const weak = await change(access, { password, next: '12345678' });
  expect([weak.status, weak.json]).toEqual([
    400,
    { new_password: ['This password is too common.', 'This password is entirely numeric.'] },
  ]);
  expect((await change(access, { password, next: username })).json).toHaveProperty('new_password');
  expect(await author(access)).toBe(200);
  expect((await signIn(username, password)).status).toBe(200);
});

test('cannot be guessed at: after ten wrong ones the right one is not heard either', async () => {
  await using strict = await startServer({ RATE_LIMIT_FACTOR: '1' });
  const { password, access } = await join(strict.base);
  for (let guess = 0; guess < 10; guess += 1)
    expect((await change(access, { password: `wrong-${guess}`, next: NEW, base: strict.base })).status).toBe(
      400,
    );
  const refused = await change(access, { password, next: NEW, base: strict.base });
  expect([refused.status, Number(refused.headers.get('retry-after')) > 3_000]).toEqual([429, true]);
});
