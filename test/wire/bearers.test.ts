// Who is asking: forged, misplaced and malformed tokens, and guesses at passwords.
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, call, join, type Person } from '../support/classic-client.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { startServer, type TestServer } from '../support/servers.ts';

const AUTHOR = '/api/users/author/';
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = (part: string | undefined): Record<string, unknown> =>
  JSON.parse(Buffer.from(part ?? '', 'base64url').toString());

let site: TestServer;
let ann: Person;
let ben: Person;
beforeAll(async () => {
  site = await startServer();
  ann = await join(site.base);
  ben = await join(site.base);
});
afterAll(() => site[Symbol.asyncDispose]());

const wrongToken = (message: string): object => ({
  detail: 'Given token not valid for any token type',
  code: 'token_not_valid',
  messages: [{ token_class: 'AccessToken', token_type: 'access', message }],
});

async function expectRefused(answer: Answer, body: object): Promise<void> {
  expect(answer.status).toBe(401);
  expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="api"');
  expect(answer.json).toEqual(body);
}

describe('a forged token is refused', () => {
  const forgeries: [name: string, forge: (token: string) => string][] = [
    ...['none', 'None', 'NONE', 'nOnE', ''].flatMap((alg): [string, (token: string) => string][] => [
      [`alg "${alg}" and no signature`, (token) => `${encode({ alg, typ: 'JWT' })}.${token.split('.')[1]}.`],
      [
        `alg "${alg}" and the old signature`,
        (token) => [encode({ alg, typ: 'JWT' }), ...token.split('.').slice(1)].join('.'),
      ],
    ]),
    ['the payload swapped', (token) => swapPayload(token, { user_id: 2 })],
    ['the payload swapped and no signature', (token) => unsigned(swapPayload(token, { user_id: 2 }))],
    [
      'the payload swapped and a signature of zeros',
      (token) => `${unsigned(swapPayload(token, { user_id: 2 }))}${'A'.repeat(43)}`,
    ],
    ['the expiry moved', (token) => swapPayload(token, { exp: 9_999_999_999 })],
    ['no signature', (token) => unsigned(token).slice(0, -1)],
    ['an empty signature', unsigned],
    ['a signature of zeros', (token) => `${unsigned(token)}${'A'.repeat(43)}`],
    ['a cut signature', (token) => token.slice(0, -10)],
    ['signed with an empty key', (token) => sign(token, '', 'HS256')],
    ['signed with a guessed key', (token) => sign(token, 'secret', 'HS256')],
    ['signed with another algorithm', (token) => sign(token, 'secret', 'HS512')],
    [
      "somebody else's payload",
      (token) => [token.split('.')[0], ben.access.split('.')[1], token.split('.')[2]].join('.'),
    ],
  ];

  test.each(forgeries)('%s', async (_, forge) => {
    const answer = await call(site.base, AUTHOR, { token: forge(ann.access) });
    await expectRefused(answer, wrongToken('Token is invalid or expired'));
  });

  test('a refresh token as bearer is told its type', async () => {
    await expectRefused(
      await call(site.base, AUTHOR, { token: ann.refresh }),
      wrongToken('Token has wrong type'),
    );
  });

  test('a token of another site is worth nothing here', async () => {
    await using other = await startServer();
    const stranger = await join(other.base);
    await expectRefused(
      await call(site.base, AUTHOR, { token: stranger.access }),
      wrongToken('Token is invalid or expired'),
    );
  });
});

describe('a token counts in the Authorization header alone', () => {
  test.each(['token', 'access_token', 'access', 'Authorization', 'jwt'])('not as ?%s=', async (name) => {
    const answer = await call(site.base, `${AUTHOR}?${name}=${ann.access}`);
    await expectRefused(answer, { detail: 'Authentication credentials were not provided.' });
  });

  test.each<[header: string, value: () => string]>([
    ['cookie', () => `access=${ann.access}; token=${ann.access}`],
    ['x-access-token', () => ann.access],
    ['proxy-authorization', () => `Bearer ${ann.access}`],
    ['authorization', () => `Basic ${Buffer.from(`${ann.username}:${ann.password}`).toString('base64')}`],
    ['authorization', () => `bearer ${ann.access}`],
    ['authorization', () => `Token ${ann.access}`],
    ['authorization', () => ann.access],
  ])('not as %s: %s', async (header, value) => {
    const answer = await call(site.base, AUTHOR, { headers: { [header]: value() } });
    await expectRefused(answer, { detail: 'Authentication credentials were not provided.' });
  });

  test('not in a body', async () => {
    const body = { accessToken: ann.access, token: ann.access, userID: ann.id };
    const answer = await call(site.base, '/api/users/author/update/', { body });
    await expectRefused(answer, { detail: 'Authentication credentials were not provided.' });
  });
});

test.each([
  ['nothing', ''],
  ['the scheme alone', 'Bearer'],
  ['the scheme and a blank', 'Bearer '],
  ['three words', 'Bearer a b'],
  ['a comma', 'Bearer a,b'],
  ['two headers in one', 'Bearer a, Bearer b'],
  ['dots', 'Bearer ..'],
  ['many dots', `Bearer ${'.'.repeat(2_000)}`],
  ['a tab', 'Bearer\tabc'],
  ['JSON', 'Bearer {"alg":"none"}'],
  ['Latin-1', 'Bearer \u00E9\u00FF'],
  ['a NUL', 'Bearer a\u0000b'],
  ['a bare carriage return', 'Bearer a\rb'],
  ['20 kB', `Bearer ${'a'.repeat(20_000)}`],
])('Authorization with %s is refused and the server lives', async (_, value) => {
  const lines = rawRequest(`GET ${AUTHOR} HTTP/1.1`, ['Host: localhost', `Authorization: ${value}`]);
  const answer = await sendRaw(site.base, Buffer.from(lines, 'latin1'));
  expect([400, 401, 431]).toContain(answer.status);
  expect(answer.body).not.toMatch(/\bat .*:\d+:\d+|node_modules/);
  expect((await call(site.base, AUTHOR, { token: ann.access })).status).toBe(200);
});

describe('guessing at passwords', () => {
  const guess = (base: string, username: string, address = '203.0.113.9'): Promise<Answer> =>
    call(base, '/api/users/user/token/', {
      headers: { 'x-forwarded-for': address },
      body: { username, password: 'Wrong-Harbour-41' },
    });

  /** Guesses 120 times and answers how many came before the first that was refused; all after it are. */
  async function countGuesses(base: string, username: (turn: number) => string): Promise<number> {
    const statuses: number[] = [];
    for (let turn = 1; turn <= 120; turn += 1) {
      const answer = await guess(base, username(turn), `198.51.100.${turn}`);
      statuses.push(answer.status);
      if (answer.status === 401) continue;
      expect(answer.json).toEqual({ error: 'Request was throttled.' });
      expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    }
    const passed = statuses.filter((status) => status === 401).length;
    expect(statuses).toEqual([...Array<number>(passed).fill(401), ...Array<number>(120 - passed).fill(429)]);
    return passed;
  }

  test('one account is over before the 25th try, whatever X-Forwarded-For says; its owner stays signed in', async () => {
    await using strict = await startServer({ RATE_LIMIT_FACTOR: '1' });
    const owner = await join(strict.base);
    expect(await countGuesses(strict.base, () => owner.username)).toBeLessThan(25);
    expect((await call(strict.base, AUTHOR, { token: owner.access })).status).toBe(200);
    const again = await call(strict.base, '/api/users/user/token/refresh/', {
      body: { refresh: owner.refresh },
    });
    expect(again.status).toBe(200);
  });

  test('many accounts from one address is over after 25 tries', async () => {
    await using strict = await startServer({ RATE_LIMIT_FACTOR: '1' });
    expect(await countGuesses(strict.base, (turn) => `nobody${turn}`)).toBe(25);
  });

  test('one account from many addresses is over too, behind a proxy that is trusted to name them', async () => {
    await using strict = await startServer({ RATE_LIMIT_FACTOR: '1', TRUSTED_PROXIES: 'loopback' });
    const owner = await join(strict.base);
    const other = await join(strict.base);
    expect(await countGuesses(strict.base, () => owner.username)).toBeLessThan(25);
    expect((await guess(strict.base, other.username)).status).toBe(401);
  });

  test('right passwords are not counted', async () => {
    await using strict = await startServer({ RATE_LIMIT_FACTOR: '1' });
    const { username, password } = await join(strict.base);
    for (let turn = 0; turn < 30; turn += 1) {
      const answer = await call(strict.base, '/api/users/user/token/', { body: { username, password } });
      expect(answer.status).toBe(200);
    }
  });
});

function swapPayload(token: string, claims: object): string {
  const [head, payload, signature] = token.split('.');
  return [head, encode({ ...decode(payload), ...claims }), signature].join('.');
}

/** Head and payload, and the dot after them. */
const unsigned = (token: string): string => `${token.split('.').slice(0, 2).join('.')}.`;

function sign(token: string, key: string, alg: 'HS256' | 'HS512'): string {
  const text = `${encode({ alg, typ: 'JWT' })}.${token.split('.')[1]}`;
  return `${text}.${createHmac(alg.replace('HS', 'sha'), key).update(text).digest('base64url')}`;
}
