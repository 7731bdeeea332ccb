import { createHmac, hkdfSync } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { createTokens } from './tokens.ts';

const START = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
let clock = START;
const make = (secretKey = 'a secret of these tests') =>
  createTokens({ secretKey, accessLifetimeMs: HOUR, now: () => clock });
const GENERATION = {
  userId: 7,
  sessionId: 3,
  generation: 2,
  issuedAt: START,
  refreshUntil: START + 24 * HOUR,
};
const INVALID = { kind: 'unauthenticated', code: 'token_invalid' };

test('the same generation yields the same pair, byte for byte, from any process with the key', async () => {
  const pair = await make().issue(GENERATION);
  expect(await make().issue(GENERATION)).toEqual(pair);
  expect(await make().issue({ ...GENERATION, generation: 3 })).not.toEqual(pair);
});

test('a pair says what clients of simplejwt read, and lasts as long as it should', async () => {
  const { access, refresh } = await make().issue(GENERATION);
  const common = { user_id: 7, iat: START / 1_000, jti: expect.stringMatching(/^[0-9a-f]{32}$/) };
  expect(decodeJwt(access)).toMatchObject({ ...common, token_type: 'access', exp: (START + HOUR) / 1_000 });
  expect(decodeJwt(refresh)).toMatchObject({
    ...common,
    token_type: 'refresh',
    exp: (START + 24 * HOUR) / 1_000,
  });
  expect(decodeProtectedHeader(access)).toEqual({ alg: 'HS256', typ: 'JWT' });
  expect(decodeJwt(access).jti).not.toBe(decodeJwt(refresh).jti);
});

test('an access token does not outlive what it came with', async () => {
  const { access } = await make().issue({ ...GENERATION, refreshUntil: START + 60_000 });
  expect(decodeJwt(access).exp).toBe((START + 60_000) / 1_000);
});

test('a verified token is not good for longer because it was seen before', async () => {
  clock = START;
  const tokens = make();
  const { access } = await tokens.issue(GENERATION);
  expect(await tokens.verify(access, 'access')).toEqual({ userId: 7, sessionId: 3, generation: 2 });
  clock = START + HOUR;
  await expect(tokens.verify(access, 'access')).rejects.toMatchObject(INVALID);
  expect(await tokens.verify(access, 'access', { evenExpired: true })).toMatchObject({ userId: 7 });
  clock = START;
});

test('tokens of another key, another algorithm, or changed by a character are refused, with or without their time', async () => {
  const { access } = await make().issue(GENERATION);
  const [header = '', payload = '', signature = ''] = access.split('.');
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = decodeJwt(access);
  const none = encode({ alg: 'none', typ: 'JWT' });
  const foreign = await make('another secret of these tests').issue(GENERATION);
  const guessed = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(Buffer.from('a secret of these tests'));
  const hs512 = `${encode({ alg: 'HS512', typ: 'JWT' })}.${payload}`;
  const hostile = [
    ...[
      '',
      'x',
      'a.b.c',
      '..',
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${access}.x`,
      ` ${access}x`,
    ],
    `${none}.${payload}.`,
    `${none}.${payload}.${signature}`,
    `${header}.${encode({ ...claims, user_id: 8 })}.${signature}`,
    `${header}.${payload}.${signature.slice(0, -2)}AA`,
    `${hs512}.${createHmac('sha512', 'a secret of these tests').update(hs512).digest('base64url')}`,
    foreign.access,
    guessed,
  ];
  for (const token of hostile) {
    await expect(make().verify(token, 'access')).rejects.toMatchObject(INVALID);
    await expect(make().verify(token, 'access', { evenExpired: true })).rejects.toMatchObject(INVALID);
  }
});

test('tokens of our own key and another shape or algorithm are refused', async () => {
  // As an earlier or a later version might have made them.
  const key = new Uint8Array(hkdfSync('sha256', 'a secret of these tests', '', 'veranda tokens', 32));
  const claims = decodeJwt((await make().issue(GENERATION)).access);
  const sign = (changes: object, alg = 'HS256'): Promise<string> =>
    new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg, typ: 'JWT' }).sign(key);
  expect(await make().verify(await sign({}), 'access')).toMatchObject({ userId: 7 });
  for (const alg of ['HS384', 'HS512'])
    await expect(make().verify(await sign({}, alg), 'access'), alg).rejects.toMatchObject(INVALID);
  for (const changes of [
    ...['exp', 'iat', 'jti', 'sid', 'gen', 'user_id', 'token_type'].map((name) => ({ [name]: undefined })),
    ...[{ token_type: 'sliding' }, { user_id: '7' }, { user_id: 0 }, { sid: 1.5 }, { gen: -1 }],
  ])
    await expect(make().verify(await sign(changes), 'access'), JSON.stringify(changes)).rejects.toMatchObject(
      INVALID,
    );
});
