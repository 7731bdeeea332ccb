import { beforeEach, expect, test, vi } from 'vitest';
import { ask } from './requests.ts';
import { keepTokens, readTokens } from './tokens.ts';

const ann = { access: 'ann-1', refresh: 'ann-1' };
const annLater = { access: 'ann-2', refresh: 'ann-2' };
const bob = { access: 'bob-1', refresh: 'bob-1' };

beforeEach(() => {
  const stored = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  });
  vi.stubGlobal('navigator', {});
  keepTokens(ann);
});

/** The first access token has run out; `meanwhile` is done while the renewal is on its way. */
function answer({
  status = 200,
  meanwhile = () => {},
}: { status?: number; meanwhile?: () => void } = {}): string[] {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (path: string, { headers }: { headers: Headers }) => {
    if (path.endsWith('/refresh/')) {
      meanwhile();
      return Response.json(status === 200 ? annLater : {}, { status });
    }
    const token = headers.get('authorization') ?? '';
    asked.push(token);
    return Response.json({}, { status: token === `Bearer ${ann.access}` ? 401 : 200 });
  });
  return asked;
}

test('a token that has run out is renewed, and the request sent again', async () => {
  const asked = answer();
  await ask('/api/posts/');
  expect(asked).toEqual(['Bearer ann-1', 'Bearer ann-2']);
  expect(readTokens()).toEqual(annLater);
});

test.each([200, 401])(
  'somebody else who signs in meanwhile stays, whatever the renewal gets (%d)',
  async (status) => {
    const asked = answer({ status, meanwhile: () => keepTokens(bob) });
    await expect(ask('/api/posts/')).rejects.toMatchObject({ status: 401 });
    expect(readTokens()).toEqual(bob);
    expect(asked).toEqual(['Bearer ann-1']);
  },
);

test('another tab that has the same renewal first is no hindrance', async () => {
  const asked = answer({ meanwhile: () => keepTokens(annLater) });
  await ask('/api/posts/');
  expect(asked).toEqual(['Bearer ann-1', 'Bearer ann-2']);
});

test('a renewal that is refused ends the session', async () => {
  answer({ status: 401 });
  await expect(ask('/api/posts/')).rejects.toMatchObject({ status: 401 });
  expect(readTokens()).toBeUndefined();
});
