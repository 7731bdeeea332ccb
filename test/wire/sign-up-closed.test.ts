// A site whose operator makes the accounts.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, form, makeAccount } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';

let site: TestServer;
beforeAll(async () => {
  site = await startServer({ SIGN_UP: 'closed' });
});
afterAll(() => site[Symbol.asyncDispose]());

test('refuses strangers in words, and lets in whom the operator made', async () => {
  const account = makeAccount();
  const { username, password } = account;
  const email = account['email'] ?? '';
  for (const body of [form(account), account, {}]) {
    const answer = await call(site.base, '/api/users/user/register/', { body });
    expect([answer.status, answer.json]).toEqual([
      403,
      { non_field_errors: ['This site takes no new people just now.'] },
    ]);
  }
  expect(await site.app.users.accounts.list()).toEqual([]);
  const names = { firstName: 'Ann', lastName: 'Lee' };
  await site.app.profiles.signUp({ form: { username, password, email, ...names }, address: 'cli' });
  const body = { username, password };
  expect((await call(site.base, '/api/users/user/token/', { body })).status).toBe(200);
});
