// One way to ask the server. Adds the token; on 401 renews it once and asks again. Only a refusal of the
// refresh token ends a session: silence and 5xx never do. Everything thrown is a `WireFailure`.
import { WireFailure, readRetryAfter } from './failures.ts';
import { dropTokens, isTokens, keepTokens, readTokens, type Tokens } from './tokens.ts';

export interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';
  json?: unknown;
  /** Sent as multipart text fields. */
  form?: Record<string, string>;
  /** Never send a token (signing in and up). */
  anonymous?: boolean;
  signal?: AbortSignal;
  timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** The parsed JSON body of a 2xx answer. */
export async function ask<Body>(path: string, call: Call = {}): Promise<Body> {
  return (await askWhole(path, call)).body as Body;
}

export interface Page<Item> {
  items: Item[];
  /** Where the list goes on; absent at its end. */
  next: string | undefined;
}

/** A page of a list, with the address of the one behind it (RFC 8288). */
export async function askPage<Item>(path: string): Promise<Page<Item>> {
  const { body, link } = await askWhole(path, {});
  return { items: body as Item[], next: /<([^>]+)>; rel="next"/.exec(link)?.[1] };
}

interface Answer {
  body: unknown;
  link: string;
}

async function askWhole(path: string, call: Call): Promise<Answer> {
  const tokens = call.anonymous === true ? undefined : readTokens();
  try {
    return await send(path, call, tokens?.access);
  } catch (error) {
    if (!tokens || !(error instanceof WireFailure) || error.status !== 401) throw error;
    const renewed = await renewTokens(tokens);
    return send(path, call, renewed.access);
  }
}

const endListeners = new Set<() => void>();

/** Runs when the server ended the session (not on signing out). */
export function onSessionEnd(listener: () => void): void {
  endListeners.add(listener);
}

let renewal: Promise<Tokens> | undefined;

/** Parallel calls share one renewal; tabs take turns, and the second finds the first one's tokens. */
function renewTokens(stale: Tokens): Promise<Tokens> {
  renewal ??= inTurn('veranda-renewal', () => renewUnlessDone(stale)).finally(() => {
    renewal = undefined;
  });
  return renewal;
}

async function renewUnlessDone(stale: Tokens): Promise<Tokens> {
  const current = readTokens();
  if (!current) throw new WireFailure({ status: 401 });
  if (current.access !== stale.access) return current;
  /** Another tab has signed out meanwhile, or somebody else in: this answer is about a session that is not theirs. */
  const isOver = (): boolean => readTokens()?.refresh !== current.refresh;
  try {
    const call: Call = { method: 'POST', json: { refresh: current.refresh } };
    const { body: fresh } = await send('/api/users/user/token/refresh/', call, undefined);
    if (!isTokens(fresh)) throw new WireFailure({ status: 502, body: fresh });
    // Where tabs cannot take turns, both get the same.
    if (readTokens()?.refresh === fresh.refresh) return fresh;
    if (isOver()) throw new WireFailure({ status: 401 });
    keepTokens(fresh);
    return fresh;
  } catch (error) {
    const refused = error instanceof WireFailure && (error.status === 401 || error.status === 400);
    if (!refused) throw error;
    if (!isOver()) {
      dropTokens();
      for (const listener of endListeners) listener();
    }
    throw new WireFailure({ status: 401 });
  }
}

/** Locks exist in secure contexts only; without them tabs may renew at the same time, which the server forgives. */
async function inTurn<Value>(name: string, work: () => Promise<Value>): Promise<Value> {
  const locks: LockManager | undefined = navigator.locks;
  return locks ? await locks.request(name, work) : work();
}

async function send(path: string, call: Call, access: string | undefined): Promise<Answer> {
  const headers = new Headers({ accept: 'application/json' });
  if (access !== undefined) headers.set('authorization', `Bearer ${access}`);
  let body: BodyInit | null = null;
  if (call.json !== undefined) {
    headers.set('content-type', 'application/json');
    body = JSON.stringify(call.json);
  }
  if (call.form) {
    body = new FormData();
    for (const [name, value] of Object.entries(call.form)) body.append(name, value);
  }
  const timeout = AbortSignal.timeout(call.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const signal = call.signal ? AbortSignal.any([call.signal, timeout]) : timeout;
  try {
    const response = await fetch(path, {
      method: call.method ?? 'GET',
      headers,
      body,
      signal,
      cache: 'no-store',
    });
    const answer = parse(await response.text());
    if (response.ok) return { body: answer, link: response.headers.get('link') ?? '' };
    const waitMs = readRetryAfter(response.headers.get('retry-after'), Date.now());
    throw new WireFailure({ status: response.status, body: answer, waitMs });
  } catch (error) {
    if (error instanceof WireFailure) throw error;
    throw new WireFailure({ status: 0 });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
