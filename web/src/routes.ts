// Which view a path shows.

export type Route =
  | { view: 'feed'; of: 'everybody' | 'followed' }
  | { view: 'signin'; next: string }
  | { view: 'signup'; next: string }
  | { view: 'profile'; id: number }
  | { view: 'post'; id: number }
  | { view: 'search'; words: string }
  | { view: 'lost' };

/** `path` with its query, as in the address bar. */
export function readRoute(path: string): Route {
  const { pathname, searchParams } = new URL(path, 'http://page');
  const [first = '', second, ...rest] = pathname.split('/').filter((part) => part !== '');
  if (rest.length > 0) return { view: 'lost' };
  if (second === undefined) return readPlain(first, searchParams);
  const id = /^[1-9]\d{0,15}$/.test(second) ? Number(second) : undefined;
  if (first === 'people' && id !== undefined) return { view: 'profile', id };
  if (first === 'posts' && id !== undefined) return { view: 'post', id };
  return { view: 'lost' };
}

export function profilePath(id: number): string {
  return `/people/${id}`;
}

export function postPath(id: number): string {
  return `/posts/${id}`;
}

export function searchPath(words: string): string {
  return words === '' ? '/search' : `/search?q=${encodeURIComponent(words)}`;
}

/** Sign-in that leads back to `next` afterwards. */
export function signInPath(next: string): string {
  return next === '/' ? '/signin' : `/signin?next=${encodeURIComponent(next)}`;
}

function readPlain(name: string, query: URLSearchParams): Route {
  switch (name) {
    case '':
      return { view: 'feed', of: 'everybody' };
    case 'following':
      return { view: 'feed', of: 'followed' };
    case 'signin':
      return { view: 'signin', next: readNext(query) };
    case 'signup':
      return { view: 'signup', next: readNext(query) };
    case 'search':
      return { view: 'search', words: tidyWords(query.get('q') ?? '') };
    default:
      return { view: 'lost' };
  }
}

/** The server splits at single blanks and lets an empty word match everything. */
function tidyWords(words: string): string {
  return words.trim().split(/\s+/u).join(' ');
}

/** Only paths of this page: anything else in a link would make sign-in a redirector. */
function readNext(query: URLSearchParams): string {
  const next = query.get('next') ?? '/';
  return /^\/(?![/\\])/.test(next) && !next.includes('\\') ? next : '/';
}
