// What the routes of accounts and of one's own profile do with bodies that no honest client sends.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PICTURE } from '../access/pictures.ts';
import { readAll } from '../access/world.ts';
import { call, form, join, type Person } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';

const PASSWORD = 'Quiet-Harbour-41';

let site: TestServer;
let ann: Person;
beforeAll(async () => {
  site = await startServer();
  ann = await join(site.base);
});
afterAll(() => site[Symbol.asyncDispose]());

let before: string;
beforeEach(async () => {
  before = await readAll(site.dataDir);
});

let count = 0;
const account = () => ({
  ...{ username: `new${(count += 1)}`, first_name: 'New', last_name: 'Comer', password: PASSWORD },
  ...{ email: `new${count}@example.org`, profile_image: PICTURE },
});

/** Each with a body that is fine; made when it is needed, as people join first. */
const GOOD: Record<string, () => Record<string, unknown>> = {
  '/api/users/user/register/': account,
  '/api/users/user/token/': () => ({ username: ann.username, password: ann.password }),
  '/api/users/user/token/refresh/': () => ({ refresh: ann.refresh }),
  '/api/users/user/logout/': () => ({ refreshToken: ann.refresh }),
  '/api/users/author/update/': () => ({
    ...{ userID: ann.id, bio: 'new', first_name: 'New', last_name: 'Name' },
    ...{ profile_image: PICTURE, cover_image: PICTURE },
  }),
};
const FORMS = Object.keys(GOOD).slice(0, 3);

async function send(path: string, body: string | Uint8Array<ArrayBuffer>, type = 'application/json') {
  const headers = { 'content-type': type, authorization: `Bearer ${ann.access}` };
  const answer = await fetch(site.base + path, { method: 'POST', headers, body });
  return { status: answer.status, text: await answer.text() };
}

async function expectRefused(
  answer: Promise<{ status: number }>,
  what: string,
  statuses = [400, 401, 403, 413, 415],
): Promise<void> {
  expect(statuses, what).toContain((await answer).status);
}

const NO_TEXTS = [
  ...['null', 'true', 'false', '-1', '0', '1.5', '1e309', '18446744073709551616'],
  ...['[]', '[[]]', '{}', '{"$gt":0}', `[${'1,'.repeat(2_000)}1]`],
];
const TEXTS = ['', ' ', '\0', 'a\0b', 'a\r\nb\u0007', 'a\ud800b'].map((text) => JSON.stringify(text));

describe('odd values in any field are refused, and change nothing', () => {
  /** What these fields take as it is; a field of an update may also be left out. */
  const fine: Record<string, string[]> = {
    profile_image: ['""'],
    cover_image: ['""'],
    bio: ['""', '" "', JSON.stringify('a\r\nb\u0007')],
  };

  test.each(Object.keys(GOOD))('%s', async (path) => {
    const fields = Object.keys(GOOD[path]?.() ?? {});
    for (const field of fields) {
      const missing = path.includes('update') || field === 'profile_image' ? [] : [undefined];
      for (const value of [...missing, ...NO_TEXTS, ...TEXTS]) {
        if (value !== undefined && fine[field]?.includes(value)) continue;
        const rest = JSON.stringify({ ...GOOD[path]?.(), [field]: undefined }).slice(1, -1);
        const body = [rest, value && `"${field}":${value}`].filter(Boolean).join(',');
        await expectRefused(send(path, `{${body}}`), `${field}: ${value}`);
      }
    }
    expect(await readAll(site.dataDir)).toBe(before);
  });
});

describe('what is endless is refused at once, and changes nothing', () => {
  const long = [
    'x'.repeat(900_000),
    // Each of its words is compared with the password.
    'ab '.repeat(300_000),
    // Takes a time that grows with the square of its length to be put in order.
    `a${'\u0301\u0316'.repeat(200_000)}`,
    `${'a\u0301\u0316'.repeat(150_000)}@example.org`,
  ];

  test.each(Object.keys(GOOD))('%s', async (path) => {
    const good = GOOD[path]?.() ?? {};
    for (const field of Object.keys(good)) {
      for (const text of long) {
        const body = { ...good, [field]: text };
        const begun = performance.now();
        await expectRefused(send(path, JSON.stringify(body)), field, [400, 413]);
        const asForm = form(body as Record<string, string>);
        if (FORMS.includes(path))
          await expectRefused(call(site.base, path, { body: asForm }), field, [400, 413]);
        expect(performance.now() - begun, field).toBeLessThan(1_000);
      }
    }
    expect(await readAll(site.dataDir)).toBe(before);
  });

  test('forty thousand pictures to detach', async () => {
    const deleteImages = Array.from({ length: 40_000 }, (_, id) => id + 1);
    const path = '/api/posts/post/create/';
    await expectRefused(send(path, JSON.stringify({ description: 'x', deleteImages })), path, [400, 413]);
    expect(await readAll(site.dataDir)).toBe(before);
  });
});

describe('bytes that are not UTF-8 are refused, and change nothing', () => {
  const BYTES = [
    [0xc3, 0x28],
    [0x80],
    [0xe2, 0x82],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xc0, 0xaf],
  ];
  /** The text with `bytes` where it says §. */
  const spoil = (text: string, bytes: readonly number[]): Uint8Array<ArrayBuffer> => {
    const [head = '', tail = ''] = text.split('§');
    return Buffer.concat([Buffer.from(head), Buffer.from(bytes), Buffer.from(tail)]);
  };

  test.each(Object.keys(GOOD))('%s, as JSON', async (path) => {
    const good = GOOD[path]?.() ?? {};
    for (const field of Object.keys(good)) {
      const text = JSON.stringify({ ...good, [field]: `${String(good[field])}§` });
      for (const bytes of BYTES)
        await expectRefused(send(path, spoil(text, bytes)), `${field} ${bytes.join()}`, [400]);
    }
    expect(await readAll(site.dataDir)).toBe(before);
  });

  test.each(FORMS)('%s, as a form', async (path) => {
    const { profile_image: _, ...good } = GOOD[path]?.() ?? {};
    for (const field of Object.keys(good)) {
      const parts = Object.entries(good).map(
        ([name, value]) =>
          `--xx\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${String(value)}${name === field ? '§' : ''}\r\n`,
      );
      const text = `${parts.join('')}--xx--\r\n`;
      for (const bytes of BYTES) {
        const answer = send(path, spoil(text, bytes), 'multipart/form-data; boundary=xx');
        await expectRefused(answer, `${field} ${bytes.join()}`, [400]);
      }
    }
    expect(await readAll(site.dataDir)).toBe(before);
  });
});

test.each(Object.keys(GOOD))('%s takes JSON by no other name', async (path) => {
  const types = ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'application/jsonx'];
  for (const type of types)
    expect((await send(path, JSON.stringify(GOOD[path]?.()), type)).status, type).toBe(415);
  expect(await readAll(site.dataDir)).toBe(before);
});

test.each(FORMS)('%s refuses forms that are doubled, cut, endless or full of prototypes', async (path) => {
  const good = form(GOOD[path]?.() as Record<string, string>);
  const [name = ''] = Object.keys(GOOD[path]?.() ?? {});
  const twice = form(GOOD[path]?.() as Record<string, string>);
  twice.append(name, 'again');
  const many = form(GOOD[path]?.() as Record<string, string>);
  for (let field = 0; field < 20_000; field += 1) many.append(`f${field}`, '');
  const whole = Buffer.from(await new Response(good).arrayBuffer());
  expect(whole.length).toBeGreaterThan(100);
  for (const body of [twice, many])
    await expectRefused(call(site.base, path, { body }), 'twice or many', [400, 413]);
  const part = (field: string) => `--xx\r\nContent-Disposition: form-data; name="${field}"\r\n\r\nx\r\n`;
  const odd = ['__proto__', 'constructor', 'toString', ''].map((field) => `${part(field)}--xx--\r\n`);
  for (const text of [...odd, '', '--xx', part(name), part(name).slice(0, 30), '--xx--'])
    await expectRefused(send(path, text, 'multipart/form-data; boundary=xx'), text, [400]);
  expect(await readAll(site.dataDir)).toBe(before);
});

test('fields that are not for people to set are passed over', async () => {
  const more = {
    role: 'admin',
    is_staff: true,
    is_superuser: true,
    id: 1,
    user: 1,
    username: 'root',
    email: 'a@b.cd',
  };
  const answer = await call(site.base, '/api/users/author/update/', {
    token: ann.access,
    body: { ...more, bio: 'an ordinary person' },
  });
  expect(answer.status).toBe(200);
  expect(answer.json.user).toMatchObject({ id: ann.id, username: ann.username, bio: 'an ordinary person' });
  const users = await site.app.users.accounts.list();
  expect(users.map(({ username, role }) => [username, role])).toEqual([[ann.username, 'user']]);
});
