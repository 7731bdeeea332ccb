// Sign-up over the classic wire: exact bodies, every sentence, and nothing kept of what was refused.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, call, form, makeAccount } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';

const REGISTER = '/api/users/user/register/';
const USERNAME_RULE =
  'Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.';

let site: TestServer;
beforeAll(async () => {
  site = await startServer();
});
afterAll(() => site[Symbol.asyncDispose]());

const signUp = (fields: Record<string, unknown>): Promise<Answer> =>
  call(site.base, REGISTER, { body: fields });
const signIn = (username: unknown, password: unknown): Promise<Answer> =>
  call(site.base, '/api/users/user/token/', { body: { username, password } });
const countUsers = async (): Promise<number> =>
  (await ask<{ count: number }>(site.dataDir, 'select count(*) as count from users'))[0]?.count ?? -1;

describe('a sign-up', () => {
  test('by form is answered with what the page shows, and nothing more', async () => {
    const fields = makeAccount({ username: 'inés.valle+1@x_-', first_name: 'Inés', last_name: '李' });
    const made = await call(site.base, REGISTER, { body: form(fields) });
    expect(made.status).toBe(201);
    expect(made.text).toBe(
      `{"username":"inés.valle+1@x_-","first_name":"Inés","last_name":"李","email":"${fields['email']}"}`,
    );
    expect(made.headers.get('content-type')).toBe('application/json');
    expect(made.headers.get('cache-control')).toBe('no-store');
    expect((await signIn('inés.valle+1@x_-', 'Quiet-Harbour-41')).status).toBe(200);
  });

  test('by JSON is the same', async () => {
    const { password, profile_image, ...shown } = makeAccount();
    const made = await signUp({ ...shown, password, profile_image });
    expect(made.status).toBe(201);
    expect(made.json).toEqual(shown);
  });

  test('may leave the picture out', async () => {
    const { profile_image: _, ...fields } = makeAccount();
    expect((await signUp(fields)).status).toBe(201);
    expect((await call(site.base, REGISTER, { body: form(makeAccount()) })).status).toBe(201);
  });

  test('ignores fields that would make more of somebody', async () => {
    const fields = makeAccount();
    const made = await signUp({
      ...fields,
      role: 'admin',
      is_staff: true,
      id: 1,
      user_id: 1,
      suspendedAt: 5,
    });
    expect(made.status).toBe(201);
    expect(Object.keys(made.json)).toEqual(['username', 'first_name', 'last_name', 'email']);
    const users = await site.app.users.accounts.list();
    expect(users.find((user) => user.username === fields['username'])).toMatchObject({
      role: 'user',
      suspendedAt: null,
    });
  });

  test('keeps the password only as an argon2id hash of the recommended cost', async () => {
    const fields = makeAccount();
    await signUp(fields);
    const [row] = await ask<{ password_hash: string }>(
      site.dataDir,
      'select password_hash from users where username = ?',
      fields['username'],
    );
    const [, memory, passes] =
      /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$/.exec(row?.password_hash ?? '') ?? [];
    expect(Number(memory)).toBeGreaterThanOrEqual(19_456);
    expect(Number(passes)).toBeGreaterThanOrEqual(2);
  });

  test('takes the password as it was typed: blanks at its ends and a NUL inside count', async () => {
    const fields = makeAccount({ password: ' Quiet\u0000Harbour ' });
    expect((await signUp(fields)).status).toBe(201);
    const { username } = fields;
    expect((await signIn(username, ' Quiet\u0000Harbour ')).status).toBe(200);
    expect((await signIn(username, 'Quiet\u0000Harbour')).status).toBe(401);
    expect((await signIn(username, ' Quiet')).status).toBe(401);
  });
});

describe('a refused sign-up', () => {
  test('names everything that is wrong at once', async () => {
    const before = await countUsers();
    const refused = await signUp({ username: '', email: 'nobody', password: '1234567', profile_image: '' });
    expect(refused.status).toBe(400);
    expect(refused.json).toEqual({
      username: ['This field may not be blank.'],
      email: ['Enter a valid email address.'],
      password: [
        'This password is too short. It must contain at least 8 characters.',
        'This password is too common.',
        'This password is entirely numeric.',
      ],
      non_field_errors: ['First name may not be blank.', 'Last name may not be blank.'],
    });
    expect(await countUsers()).toBe(before);
  });

  test.each<[field: string, value: unknown, sentence: string]>([
    ['username', undefined, 'This field is required.'],
    ['username', '', 'This field may not be blank.'],
    ['username', '   ', 'This field may not be blank.'],
    ['username', 7, 'Not a valid string.'],
    ['username', 'two words', USERNAME_RULE],
    ['username', 'slash/ed', USERNAME_RULE],
    ['username', '<b>', USERNAME_RULE],
    ['username', 'nul\u0000', USERNAME_RULE],
    ['username', 'zero\u200Bwidth', USERNAME_RULE],
    ['username', 'x'.repeat(151), 'Ensure this field has no more than 150 characters.'],
    ['email', undefined, 'This field is required.'],
    ['email', '', 'This field may not be blank.'],
    ['email', 'no-at-sign', 'Enter a valid email address.'],
    ['email', 'a@b', 'Enter a valid email address.'],
    ['email', 'a@example.org\r\nBcc: b@example.org', 'Enter a valid email address.'],
    ['email', 'a\u0000@example.org', 'Enter a valid email address.'],
    ['email', 'a b@example.org', 'Enter a valid email address.'],
    ['email', `${'x'.repeat(250)}@example.org`, 'Ensure this field has no more than 254 characters.'],
    ['password', undefined, 'This field is required.'],
    ['password', '', 'This field may not be blank.'],
    ['password', ' '.repeat(12), 'This field may not be blank.'],
    ['password', ['Quiet-Harbour-41'], 'Not a valid string.'],
    ['password', 'Ab1!xyz', 'This password is too short. It must contain at least 8 characters.'],
    ['password', 'password1', 'This password is too common.'],
    ['password', '83920174655', 'This password is entirely numeric.'],
    ['password', 'x'.repeat(129), 'This password is too long. It must contain at most 128 characters.'],
    ['profile_image', 'not a data URL', 'This is not a data URL with base64 data.'],
    ['profile_image', 'https://example.org/me.png', 'This is not a data URL with base64 data.'],
  ])('%s = %j says so', async (field, value, sentence) => {
    const before = await countUsers();
    const refused = await signUp({ ...makeAccount(), [field]: value });
    expect(refused.status).toBe(400);
    expect(refused.json).toEqual({ [field]: [sentence] });
    expect(await countUsers()).toBe(before);
  });

  test.each([
    ['username', { username: 'tobias.kramer', password: 'tobias.kramer' }],
    ['username', { username: 'tobias.kramer', password: 'Tobias.Kramer1' }],
    ['first name', { first_name: 'Wilhelmina', password: 'wilhelmina9' }],
    ['last name', { last_name: 'Lindqvist', password: '8lindqvist' }],
    ['email address', { email: 'harbourmaster@example.org', password: 'harbourmaster7' }],
  ])('says that the password is too similar to the %s', async (attribute, fields) => {
    const before = await countUsers();
    const refused = await signUp(makeAccount(fields));
    expect(refused.status).toBe(400);
    expect(refused.json).toEqual({ password: [`The password is too similar to the ${attribute}.`] });
    expect(await countUsers()).toBe(before);
  });

  // The page takes any answer with a `first_name` for success.
  test.each([
    ['blank', { first_name: '' }],
    ['blank to the eye', { first_name: ' \t ' }],
    ['missing', { first_name: undefined }],
    ['a number', { first_name: 5 }],
    ['a list', { first_name: ['Ann'] }],
    ['too long', { first_name: 'n'.repeat(151) }],
    ['with a control character', { first_name: 'An\u0007n' }],
    ['blank, and the last one too', { first_name: '', last_name: '' }],
  ])('has no first_name in its body when the first name is %s', async (_, names) => {
    const refused = await signUp({ ...makeAccount(), ...names });
    expect(refused.status).toBe(400);
    expect(Object.keys(refused.json)).toEqual(['non_field_errors']);
  });

  test('has no first_name in its body when a file comes as the first name', async () => {
    const { first_name: _, ...fields } = makeAccount();
    const refused = await call(site.base, REGISTER, {
      body: form({ ...fields, first_name: new Blob(['Ann']) }),
    });
    expect(refused.status).toBe(400);
    expect(refused.json).not.toHaveProperty('first_name');
  });

  test.each([
    ['form-encoded', 'application/x-www-form-urlencoded', 'username=a'],
    ['plain text', 'text/plain', '{}'],
    ['XML', 'application/xml', '<a/>'],
  ])('is a 415 for a body that is %s', async (_, type, body) => {
    const response = await fetch(site.base + REGISTER, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    });
    expect(response.status).toBe(415);
    expect(await response.json()).toEqual({ error: 'Unsupported media type in request.' });
  });
});

describe('names and addresses are taken', () => {
  test('both are said at once', async () => {
    await signUp(makeAccount({ username: 'taken', email: 'taken@example.org' }));
    const refused = await signUp(makeAccount({ username: 'taken', email: 'taken@example.org' }));
    expect(refused.status).toBe(400);
    expect(refused.json).toEqual({
      username: ['A user with that username already exists.'],
      email: ['Email address is already in use.'],
    });
  });

  test.each([
    ['case', 'MARTA.K', 'marta.k'],
    ['width', 'ｍｏｔｏｋｏ', 'motoko'],
    ['a ligature', 'ﬁona', 'fiona'],
    ['the long s', 'joſef', 'josef'],
    ['sharp s', 'strauß', 'STRAUSS'],
    ['composition', 'rene\u0301e', 'ren\u00E9e'],
  ])('also by a look-alike in %s', async (_, first, second) => {
    expect((await signUp(makeAccount({ username: first }))).status).toBe(201);
    const refused = await signUp(makeAccount({ username: second }));
    expect(refused.json).toEqual({ username: ['A user with that username already exists.'] });
  });

  test.each([
    ['case', 'Ann.Twin@Example.org', 'ann.TWIN@eXample.ORG'],
    ['the spelling of the domain', 'ann@bücher.example', 'ann@xn--bcher-kva.example'],
  ])('also by an address that differs in %s', async (_, first, second) => {
    expect((await signUp(makeAccount({ email: first }))).status).toBe(201);
    const refused = await signUp(makeAccount({ email: second }));
    expect(refused.json).toEqual({ email: ['Email address is already in use.'] });
  });

  test('once, however many want them at the same moment', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        signUp(makeAccount({ username: 'sought', email: `sought${index}@example.org` })),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const { status, json } of answers.filter((answer) => answer.status !== 201)) {
      expect(status).toBe(400);
      expect(json).toEqual({ username: ['A user with that username already exists.'] });
    }
  });
});
