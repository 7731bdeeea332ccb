// Tokens over the classic wire: obtaining, rotation and its grace, reuse, expiry, logging out. The clock stands still
// unless a test moves it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, call, form, join, type Person } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';
import { recordStatements } from '../support/statements.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const TOKEN = '/api/users/user/token/';
const DEAD_ACCESS = {
  detail: 'Given token not valid for any token type',
  code: 'token_not_valid',
  messages: [{ token_class: 'AccessToken', token_type: 'access', message: 'Token is invalid or expired' }],
};
const BLACKLISTED = { detail: 'Token is blacklisted', code: 'token_not_valid' };
const EXPIRED = { detail: 'Token is invalid or expired', code: 'token_not_valid' };

let clock = Date.parse('2026-11-22T12:00:00.250Z');
let site: TestServer;
let person: Person;
beforeAll(async () => {
  site = await startServer({ SESSION_LIFETIME: '3d' }, { now: () => clock });
  person = await join(site.base);
});
afterAll(() => site[Symbol.asyncDispose]());

interface Pair {
  access: string;
  refresh: string;
}
let pair: Pair;
beforeEach(async () => {
  pair = await signIn();
});

const signIn = async (who: Person = person): Promise<Pair> =>
  (await call(site.base, TOKEN, { body: form({ username: who.username, password: who.password }) })).json;
const author = (access: string): Promise<Answer> => call(site.base, '/api/users/author/', { token: access });
const refresh = (token: unknown): Promise<Answer> =>
  call(site.base, `${TOKEN}refresh/`, { body: { refresh: token } });
const logout = (access: string, body: unknown): Promise<Answer> =>
  call(site.base, '/api/users/user/logout/', { token: access, body });
const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

async function expectDead({ access, refresh: token }: Pair): Promise<void> {
  const answer = await author(access);
  expect(answer.status).toBe(401);
  expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="api"');
  expect(answer.json).toEqual(DEAD_ACCESS);
  const again = await refresh(token);
  expect(again.status).toBe(401);
  expect(again.headers.get('www-authenticate')).toBe('Bearer realm="api"');
  expect(again.json).toEqual(BLACKLISTED);
}

describe('signing in', () => {
  test.each([
    ['a form', form],
    ['JSON', (fields: object) => fields],
  ])('by %s gives a pair of tokens', async (_, encode) => {
    const { username, password } = person;
    const answer = await call(site.base, TOKEN, { body: encode({ username, password }) });
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.json).toSorted()).toEqual(['access', 'refresh']);
    expect((await author(answer.json.access)).json).toMatchObject({ id: person.id, username });
  });

  test('gives tokens of 2 and 24 hours that tell who, and nothing private', async () => {
    const [head] = pair.access.split('.');
    expect(JSON.parse(Buffer.from(head ?? '', 'base64url').toString())).toEqual({ alg: 'HS256', typ: 'JWT' });
    const iat = Math.floor(clock / SECOND);
    const { user: userId } = (await author(pair.access)).json;
    const claims = { user_id: userId, iat, jti: expect.stringMatching(/^[0-9a-f]{32}$/) };
    const rest = { sid: expect.any(Number), gen: 0 };
    expect(claimsOf(pair.access)).toEqual({ ...claims, ...rest, token_type: 'access', exp: iat + 7_200 });
    expect(claimsOf(pair.refresh)).toEqual({ ...claims, ...rest, token_type: 'refresh', exp: iat + 86_400 });
    expect(claimsOf(pair.access)['jti']).not.toBe(claimsOf(pair.refresh)['jti']);
  });

  test('answers a wrong password and an unknown name alike', async () => {
    const wrong = await call(site.base, TOKEN, { body: { username: person.username, password: 'Wrong-41' } });
    const unknown = await call(site.base, TOKEN, { body: { username: 'nobody', password: 'Wrong-41' } });
    expect(wrong.status).toBe(401);
    expect(wrong.text).toBe('{"detail":"No active account found with the given credentials"}');
    expect(wrong.headers.get('www-authenticate')).toBe('Bearer realm="api"');
    expect([unknown.status, unknown.text]).toEqual([wrong.status, wrong.text]);
    expect([...unknown.headers.keys()]).toEqual([...wrong.headers.keys()]);
  });

  test.each<[body: unknown, errors: object]>([
    [{}, { username: ['This field is required.'], password: ['This field is required.'] }],
    [{ username: 'ann' }, { password: ['This field is required.'] }],
    [
      { username: '', password: '' },
      { username: ['This field may not be blank.'], password: ['This field may not be blank.'] },
    ],
    [
      { username: 1, password: null },
      { username: ['Not a valid string.'], password: ['Not a valid string.'] },
    ],
  ])('with %j is a 400 by field', async (body, errors) => {
    const answer = await call(site.base, TOKEN, { body });
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual(errors);
  });
});

describe('refreshing', () => {
  test('gives a new pair and leaves the older access token until it expires', async () => {
    const next = await refresh(pair.refresh);
    expect(next.status).toBe(200);
    expect(Object.keys(next.json).toSorted()).toEqual(['access', 'refresh']);
    expect(next.json.access).not.toBe(pair.access);
    expect(next.json.refresh).not.toBe(pair.refresh);
    expect((await author(next.json.access)).status).toBe(200);
    expect((await author(pair.access)).status).toBe(200);
  });

  test('again with the same token within 10 s gives the very same pair, for an answer that was lost', async () => {
    const first = await refresh(pair.refresh);
    clock += 10 * SECOND;
    const second = await refresh(pair.refresh);
    expect(second.status).toBe(200);
    expect(second.text).toBe(first.text);
    expect((await refresh(second.json.refresh)).status).toBe(200);
  });

  test('ten times at once gives ten times the same pair', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(pair.refresh)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  });

  test('again after more than 10 s ends the whole session', async () => {
    const next = (await refresh(pair.refresh)).json;
    clock += 10 * SECOND + 1;
    const reused = await refresh(pair.refresh);
    expect(reused.status).toBe(401);
    expect(reused.json).toEqual(BLACKLISTED);
    await expectDead(next);
    await expectDead(pair);
  });

  test('with an older token than the last ends the whole session, at once', async () => {
    const next = (await refresh(pair.refresh)).json;
    const last = (await refresh(next.refresh)).json;
    expect((await refresh(pair.refresh)).json).toEqual(BLACKLISTED);
    await expectDead(last);
  });

  test('a session of a thousand refreshes dies by its first token, in one statement and no time', async () => {
    const other = await signIn();
    let last = pair;
    for (let turn = 0; turn < 1_000; turn += 1) last = (await refresh(last.refresh)).json;
    const { sid, gen } = claimsOf(last.refresh);
    expect(gen).toBe(1_000);
    const times: number[] = [];
    // Again and again, as the machine may have other things to do.
    for (let round = 0; round < 5; round += 1) {
      await ask(site.dataDir, 'update sessions set revoked_at = null where id = ?', sid);
      const statements = await recordStatements(async () => {
        const begun = performance.now();
        expect((await refresh(pair.refresh)).json).toEqual(BLACKLISTED);
        times.push(performance.now() - begun);
      });
      const changes = statements
        .map(({ text }) => text)
        .filter((text) => /^(?!select)(?!.*"jobs")/.test(text));
      expect(changes).toEqual([expect.stringMatching(/^update "sessions" set "revoked_at" = /)]);
      await expectDead(last);
    }
    expect(Math.min(...times)).toBeLessThan(50);
    expect((await author(other.access)).status).toBe(200);
  });

  test.each<[what: string, token: unknown, body: object]>([
    ['none', undefined, { refresh: ['This field is required.'] }],
    ['a number', 5, { refresh: ['Not a valid string.'] }],
  ])('with %s instead of a token is a 400', async (_, token, body) => {
    const answer = await refresh(token);
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual(body);
  });

  test('with an access token says that it is of the wrong type', async () => {
    const answer = await refresh(pair.access);
    expect(answer.status).toBe(401);
    expect(answer.json).toEqual({ detail: 'Token has wrong type', code: 'token_not_valid' });
  });

  test.each(['', 'garbage', 'a.b.c', `${'x'.repeat(5_000)}`])('with "%s" is a 401', async (token) => {
    const answer = await refresh(token);
    expect(answer.status).toBe(401);
    expect(answer.json).toEqual(EXPIRED);
  });
});

describe('time', () => {
  test('ends an access token after 2 hours', async () => {
    clock += 2 * HOUR - SECOND;
    expect((await author(pair.access)).status).toBe(200);
    clock += SECOND;
    const answer = await author(pair.access);
    expect(answer.status).toBe(401);
    expect(answer.json).toEqual(DEAD_ACCESS);
  });

  test('ends a refresh token after 24 hours, and each refresh gives 24 more', async () => {
    clock += 24 * HOUR - SECOND;
    const next = await refresh(pair.refresh);
    expect(next.status).toBe(200);
    clock += 24 * HOUR;
    const late = await refresh(next.json.refresh);
    expect(late.status).toBe(401);
    expect(late.json).toEqual(EXPIRED);
  });

  test('ends a session for good at its lifetime, however often it was refreshed', async () => {
    const end = clock + 72 * HOUR;
    let last = pair;
    while (clock + 20 * HOUR < end) {
      clock += 20 * HOUR;
      last = (await refresh(last.refresh)).json;
    }
    expect(claimsOf(last.refresh)['exp']).toBe(Math.floor(end / SECOND));
    clock = end;
    expect((await refresh(last.refresh)).json).toEqual(EXPIRED);
  });
});

describe('logging out', () => {
  const bye = { detail: 'You have successfully logged out.' };

  test('ends the session: its access token too, at once', async () => {
    const elsewhere = await signIn();
    const answer = await logout(pair.access, { accessToken: pair.access, refreshToken: pair.refresh });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual(bye);
    await expectDead(pair);
    expect((await author(elsewhere.access)).status).toBe(200);
  });

  test('works with a refresh token that was used before', async () => {
    const next = (await refresh(pair.refresh)).json;
    expect((await logout(next.access, { refreshToken: pair.refresh })).json).toEqual(bye);
    await expectDead(next);
  });

  test('works with a refresh token that has expired or whose session is over', async () => {
    await logout(pair.access, { refreshToken: pair.refresh });
    const second = await signIn();
    expect((await logout(second.access, { refreshToken: pair.refresh })).json).toEqual(bye);
    await expectDead(second);
    clock += 25 * HOUR;
    const third = await signIn();
    expect((await logout(third.access, { refreshToken: pair.refresh })).json).toEqual(bye);
    await expectDead(third);
  });

  test('of one session with the refresh token of another ends both', async () => {
    const other = await signIn();
    expect((await logout(pair.access, { refreshToken: other.refresh })).json).toEqual(bye);
    await expectDead(pair);
    await expectDead(other);
  });

  test("with somebody else's refresh token ends one's own session alone", async () => {
    const stranger = await join(site.base);
    expect((await logout(pair.access, { refreshToken: stranger.refresh })).json).toEqual(bye);
    await expectDead(pair);
    expect((await author(stranger.access)).status).toBe(200);
    expect((await refresh(stranger.refresh)).status).toBe(200);
  });

  test('fails for a body without a refresh token of ours, and ends nothing', async () => {
    const [head, payload] = pair.refresh.split('.');
    const bodies = [
      {},
      [],
      'text',
      { refreshToken: '' },
      { refreshToken: 5 },
      { refreshToken: null },
      { refreshToken: 'garbage' },
      { refreshToken: pair.access },
      { refreshToken: `${head}.${payload}.${'A'.repeat(43)}` },
      { accessToken: pair.access },
      { refresh: pair.refresh },
    ];
    for (const body of bodies) {
      const answer = await logout(pair.access, body);
      expect([answer.status, answer.text], JSON.stringify(body)).toEqual([
        400,
        '{"detail":"Failed to logout. Please try again."}',
      ]);
    }
    const empty = await call(site.base, '/api/users/user/logout/', { method: 'POST', token: pair.access });
    expect([empty.status, empty.json]).toEqual([400, { detail: 'Failed to logout. Please try again.' }]);
    expect((await author(pair.access)).status).toBe(200);
    expect((await refresh(pair.refresh)).status).toBe(200);
  });

  test('without a good access token is a 401, and ends nothing', async () => {
    const body = { refreshToken: pair.refresh };
    expect((await call(site.base, '/api/users/user/logout/', { body })).status).toBe(401);
    expect((await logout('garbage', body)).status).toBe(401);
    expect((await refresh(pair.refresh)).status).toBe(200);
  });
});
