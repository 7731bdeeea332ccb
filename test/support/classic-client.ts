// A client of the classic wire, as plain as the React client: one call, its status, headers and body.

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON; undefined when it is none. Tests look into it freely. */
  // oxlint-disable-next-line typescript/no-explicit-any
  json: any;
}

export interface Call {
  method?: string;
  token?: string | undefined;
  headers?: Record<string, string>;
  /** Sent as JSON, as multipart when it is a FormData, and bytes as they are. */
  body?: unknown;
}

export async function call(
  base: string,
  path: string,
  { method, token, headers, body }: Call = {},
): Promise<Answer> {
  const isRaw = body instanceof Uint8Array || body instanceof FormData;
  const response = await fetch(base + path, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    redirect: 'manual',
    headers: {
      ...(body !== undefined && !isRaw && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body !== undefined && { body: isRaw ? (body as FormData) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parse(text) };
}

export const form = (fields: Record<string, string | Blob>): FormData => {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  return data;
};

interface Credentials {
  username: string;
  password: string;
}

export interface Person extends Credentials {
  /** Profile id: the id that every route and body of the wire means. */
  id: number;
  access: string;
  refresh: string;
}

let people = 0;

/** The form of a sign-up that passes, of somebody new, but for what `fields` changes. */
export function makeAccount(fields: Record<string, string> = {}): Record<string, string> & Credentials {
  people += 1;
  return {
    username: `person${people}`,
    password: 'Quiet-Harbour-41',
    first_name: 'Ann',
    last_name: 'Lee',
    email: `new.person${people}@example.org`,
    profile_image: '',
    ...fields,
  };
}

/** Signs somebody up and in. */
export async function join(base: string, fields: Record<string, string> = {}): Promise<Person> {
  const account = makeAccount(fields);
  const { username, password } = account;
  const made = await call(base, '/api/users/user/register/', { body: form(account) });
  if (made.status !== 201) throw new Error(`sign-up answered ${made.status}: ${made.text}`);
  const tokens = await call(base, '/api/users/user/token/', { body: form({ username, password }) });
  const own = await call(base, '/api/users/author/', { token: tokens.json.access });
  return { username, password, id: own.json.id, access: tokens.json.access, refresh: tokens.json.refresh };
}

/** Creates a post and answers its id. */
export async function say(
  base: string,
  { access }: Pick<Person, 'access'>,
  description: string,
): Promise<number> {
  const body = { authorName: 'whoever', description, mediaFiles: [], existingPostId: '', deleteImages: [] };
  return (await call(base, '/api/posts/post/create/', { token: access, body })).json.post_id;
}

export const asDataUrl = (bytes: Uint8Array, type = 'application/octet-stream'): string =>
  `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;

/** Sends one chunk as the React client does: two text fields. */
export function sendChunk(
  base: string,
  { access }: Person,
  chunk: { filename: string; bytes: Uint8Array; fields?: Record<string, string> },
): Promise<Answer> {
  const body = form({ filename: chunk.filename, chunk: asDataUrl(chunk.bytes), ...chunk.fields });
  return call(base, '/api/posts/post/add/media/video/', { token: access, body });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
