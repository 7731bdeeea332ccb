// What people do and what nobody does, drawn from a seed and from what the answers before have told.
import fc from 'fast-check';
import { PICTURE } from '../access/pictures.ts';
import type { Random } from '../crash/random.ts';
import { type Injection, toInjection } from '../generated/injections.ts';
import { requestTo, type Route } from '../generated/requests.ts';
import { asDataUrl } from '../support/classic-client.ts';

const PASSWORD = 'Quiet-Harbour-41';
const WORDS = [
  'apple',
  'pear',
  'snake_case',
  '100%',
  'Café',
  '東京都',
  'näive',
  'apples',
  "o'clock",
  'back\\slash',
];
const MP4_HEAD = Buffer.from('000000206674797069736f6d0000020069736f6d69736f32617663316d703431', 'hex');

interface Tokens {
  access: string;
  refresh: string;
}

/** What the answers so far have told, the same of both. */
export interface Known {
  posts: number[];
  comments: number[];
  replies: number[];
  media: number[];
  tokens: Tokens[];
  names: string[];
}

/** A request without its server. */
type Step = Pick<Route, 'method' | 'url'> & { token?: string | undefined; body?: unknown; isForm?: boolean };

/** An answer, with names in the place of random keys. */
export interface Told {
  status: number;
  body: string;
}

export function learn(known: Known, { url, payload, headers }: Injection, { status, body }: Told): void {
  const { authorization = '' } = headers;
  if (status === 401) known.tokens = known.tokens.filter((one) => !authorization.includes(one.access));
  if (status >= 300) return;
  const told: unknown = body.startsWith('{') || body.startsWith('[') ? JSON.parse(body) : undefined;
  walk(told, (name, value) => {
    const list = { post_id: known.posts, comments: known.comments, replyes: known.replies }[name];
    for (const item of [value].flat()) {
      const id = typeof item === 'number' ? item : (item as { id?: number } | null)?.id;
      if (list && id !== undefined && !list.includes(id)) list.push(id);
    }
  });
  const { id, filename, username, access, refresh } = (told ?? {}) as Partial<Record<string, unknown>>;
  if (filename !== undefined && typeof id === 'number') known.media.push(id);
  if (typeof username === 'string' && status === 201) known.names.push(username);
  if (typeof access !== 'string' || typeof refresh !== 'string') return;
  // A refresh that was used is not used again, or its session would end.
  known.tokens = known.tokens.filter(
    (one) => !url.includes('refresh') || !payload?.toString().includes(one.refresh),
  );
  known.tokens.push({ access, refresh });
}

function walk(value: unknown, visit: (name: string, value: unknown) => void): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, below] of Object.entries(value)) {
    visit(name, below);
    walk(below, visit);
  }
}

const text = (random: Random): string =>
  Array.from({ length: 1 + random.int(6) }, () => random.pick(WORDS) ?? '').join(
    random.chance(0.2) ? '' : ' ',
  );

export function draw(random: Random, known: Known): Step {
  const person = random.pick(known.tokens.slice(-12)) ?? { access: 'none', refresh: 'none' };
  const token = random.chance(0.97) ? person.access : undefined;
  const name = `person${random.int(60)}`;
  const post = (url: string, body: object): Step => ({ method: 'POST', url, token, body });
  // Mostly one of the kind that is asked for.
  const all = [...known.posts, ...known.comments, ...known.replies, ...known.media, 1];
  const one = (kind: 'posts' | 'comments' | 'replies' | 'media'): number =>
    random.pick(random.chance(0.92) ? known[kind].slice(-15) : all) ?? 1;
  const profile = 1 + random.int(8);
  const steps: (() => Step)[] = [
    () => ({ method: 'GET', url: `/api/posts/?page=${1 + random.int(4)}`, token }),
    () => ({ method: 'GET', url: `/api/posts/post/${one('posts')}/`, token }),
    () => ({ method: 'GET', url: `/api/posts/post/edit/${one('posts')}`, token }),
    () => ({
      method: 'GET',
      url: `/api/posts/post/search?q=${encodeURIComponent(text(random).slice(0, 3 + random.int(20)))}`,
    }),
    () => ({ method: 'GET', url: `/api/users/user/${profile}/`, token }),
    () => ({ method: 'GET', url: `/api/users/user/posts/${profile}/`, token }),
    () => ({ method: 'GET', url: `/api/users/author/`, token }),
    () => ({ method: 'GET', url: `/api/users/user/follower/add/${profile}/`, token }),
    () => ({
      method: random.chance(0.5) ? 'PUT' : 'DELETE',
      url: `/api/users/user/${profile}/follow/`,
      token,
    }),
    () => ({
      method: random.chance(0.5) ? 'PUT' : 'DELETE',
      url: `/api/posts/post/${random.pick(all)}/like/`,
      token,
    }),
    () => ({ method: 'DELETE', url: `/api/posts/post/${one('posts')}/`, token }),
    () =>
      post('/api/posts/post/create/', {
        authorName: 'x',
        description: text(random),
        existingPostId: '',
        deleteImages: [],
      }),
    () =>
      post('/api/posts/post/create/', {
        description: text(random),
        existingPostId: one('posts'),
        deleteImages: [one('media')],
      }),
    () => post('/api/posts/post/add/like/', { postID: one('posts') }),
    () =>
      post('/api/posts/post/add/comment/', {
        postID: one('posts'),
        authorID: 1,
        commentContent: text(random),
      }),
    () =>
      post('/api/posts/post/add/comment/', {
        postID: one('posts'),
        authorID: 1,
        commentContent: text(random),
      }),
    () =>
      post('/api/posts/post/add/reply/', {
        commentID: one('comments'),
        authorID: 1,
        commentContent: text(random),
      }),
    () =>
      post('/api/posts/post/add/reply/', {
        commentID: one('comments'),
        authorID: 1,
        commentContent: text(random),
      }),
    () => post('/api/posts/post/add/comment/like/', { commentID: one('comments') }),
    () => post('/api/posts/post/add/reply/like/', { commentID: one('replies') }),
    () => post('/api/posts/post/add/media/image/', { postID: one('posts'), imageBase64: PICTURE }),
    () => post('/api/posts/post/add/media/video/finalize/', { postID: one('posts'), videoID: one('media') }),
    () => ({
      ...post('/api/posts/post/add/media/video/', {
        filename: `clip ${random.int(20)}.mp4`,
        chunk: asDataUrl(random.chance(0.5) ? MP4_HEAD : random.bytes(40)),
        ...(random.chance(0.3) && { offset: String(32 * random.int(3)) }),
      }),
      isForm: true,
    }),
    () =>
      post('/api/users/author/update/', {
        userID: 1,
        bio: text(random),
        first_name: text(random).slice(0, 40),
      }),
  ];
  const rare: (() => Step)[] = [
    () => ({ method: 'DELETE', url: `/api/posts/post/${random.pick(all)}/`, token }),
    () => ({ method: 'POST', url: '/api/users/user/token/refresh/', body: { refresh: person.refresh } }),
    () => post('/api/users/user/logout/', { accessToken: person.access, refreshToken: person.refresh }),
    () => ({
      method: 'POST',
      url: '/api/users/user/token/',
      body: { username: random.pick([...known.names, name]), password: PASSWORD },
    }),
    () => ({
      method: 'POST',
      url: '/api/users/user/register/',
      body: {
        username: name,
        password: PASSWORD,
        first_name: 'Ann',
        last_name: 'Lee',
        email: `${name}@example.org`,
        profile_image: '',
      },
    }),
  ];
  const list = known.tokens.length < 6 || random.chance(0.05) ? rare : steps;
  return (random.pick(list) ?? rare[0] ?? (() => ({ method: 'GET', url: '/' })))();
}

export function toRequest({ token, body, isForm = false, ...route }: Step): Promise<Injection> {
  const [path = '', search = ''] = route.url.split('?');
  const given = isForm
    ? { kind: 'form' as const, fields: body as Record<string, string> }
    : { kind: 'json' as const, value: body };
  const query = Object.fromEntries(new URLSearchParams(search));
  const rest = { id: '', query, headers: {}, body: body === undefined ? undefined : given };
  return toInjection({ ...route, url: path }, rest, token);
}

/** As the routes' schemas want it, and not. */
export async function drawOdd(
  random: Random,
  { declared, known }: { declared: readonly Route[]; known: Known },
): Promise<Injection> {
  // Each sign-up and sign-in costs a password hash.
  const route = random.pick(
    declared.filter(({ url }) => !/register|token\/$|password|user\/delete/.test(url) || random.chance(0.05)),
  );
  if (!route) throw new Error('there are no routes');
  const [request] = fc.sample(
    requestTo(route, { ids: [...known.posts.slice(-5), ...known.comments.slice(-5), 1], texts: {} }),
    {
      seed: random.int(2 ** 31),
      numRuns: 1,
    },
  );
  if (!request) throw new Error('nothing was generated');
  return toInjection(
    route,
    request,
    request.token === 'good' ? random.pick(known.tokens)?.access : undefined,
  );
}
