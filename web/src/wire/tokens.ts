// The pair of tokens of this browser. `localStorage` is the truth, shared by all tabs.

export interface Tokens {
  access: string;
  refresh: string;
}

const KEY = 'veranda.tokens';
const listeners = new Set<() => void>();

export function readTokens(): Tokens | undefined {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? 'null');
    return isTokens(stored) ? stored : undefined;
  } catch {
    return undefined;
  }
}

export function keepTokens(tokens: Tokens): void {
  localStorage.setItem(KEY, JSON.stringify(tokens));
  announce();
}

export function dropTokens(): void {
  localStorage.removeItem(KEY);
  announce();
}

/** Runs on every change, in this tab or another one. */
export function onTokens(listener: () => void): void {
  listeners.add(listener);
}

export function isTokens(value: unknown): value is Tokens {
  if (typeof value !== 'object' || value === null) return false;
  const { access, refresh } = value as Partial<Tokens>;
  return typeof access === 'string' && access !== '' && typeof refresh === 'string' && refresh !== '';
}

function announce(): void {
  for (const listener of listeners) listener();
}

globalThis.addEventListener?.('storage', (event) => {
  if (event.key === KEY || event.key === null) announce();
});
