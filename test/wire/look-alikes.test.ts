// Names that are made to pass for somebody else's.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, call, form } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';

const LOOKS_TAKEN = { username: ['This username looks like another one that is taken.'] };
const MIXED = { username: ['Enter a valid username. Letters of different scripts may not be mixed.'] };

let site: TestServer;
beforeAll(async () => {
  site = await startServer();
});
afterAll(() => site[Symbol.asyncDispose]());

let count = 0;
function signUp(username: string): Promise<Answer> {
  count += 1;
  const account = { username, first_name: 'Ann', last_name: 'Lee', email: `look${count}@example.org` };
  const body = form({ ...account, password: 'Quiet-Harbour-41' });
  return call(site.base, '/api/users/user/register/', { body });
}

test.each([
  ['Cyrillic', 'apex', '\u0430\u0440\u0435\u0445'],
  ['Cyrillic, taken before the Latin one', '\u0445\u043e\u0440', 'xop'],
  ['Cyrillic capitals', 'boba', '\u0412\u041e\u0412\u0410'],
  ['Greek capitals', 'tom', '\u03a4\u039f\u039c'],
  ['Armenian', 'unu', '\u057d\u0578\u057d'],
  ['Cherokee', 'daw', '\u13a0\u13aa\u13b3'],
  ['Greek for Cyrillic', '\u043e\u043e\u043e\u043e', '\u03bf\u03bf\u03bf\u03bf'],
])('a name in %s that looks like a taken one is refused', async (_, taken, imitation) => {
  expect((await signUp(taken)).status).toBe(201);
  const refused = await signUp(imitation);
  expect([refused.status, refused.json]).toEqual([400, LOOKS_TAKEN]);
});

test.each([
  ['Cyrillic among Latin', 'p\u0430ypal'],
  ['Greek among Latin', 'g\u03bfogle'],
  ['Latin among Cyrillic', '\u0416a\u043d\u043d\u0430'],
])('a name with %s letters is refused, taken or not', async (_, username) => {
  const refused = await signUp(username);
  expect([refused.status, refused.json]).toEqual([400, MIXED]);
});

test.each([
  '\u0416\u0430\u043d\u043d\u0430',
  '\u0395\u03bb\u03ad\u03bd\u03b7',
  '山田Taro',
  'modern',
  'modem',
])('%s is nobody else and is taken', async (username) => {
  expect((await signUp(username)).status).toBe(201);
});
