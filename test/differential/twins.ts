// Sessions have random ids, so each site has tokens of its own: what one is sent in a token, the other is sent in that token's twin.
import { decodeJwt } from 'jose';
import type { Injection } from '../generated/injections.ts';

const TOKEN = /eyJ[\w-]+\.[\w-]+\.[\w-]+/g;

export function createTwins() {
  const twins = new Map<string, string>();
  const swap = (text: string): string => text.replaceAll(TOKEN, (token) => twins.get(token) ?? token);
  return {
    /** Of answers that are alike. */
    learn(one: string, other: string): void {
      const others = other.match(TOKEN) ?? [];
      for (const [place, token] of (one.match(TOKEN) ?? []).entries()) twins.set(token, others[place] ?? '');
    },

    translate({ payload, headers, ...request }: Injection): Injection {
      return {
        ...request,
        headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, swap(value)])),
        // One character a byte, whatever the bytes are.
        ...(payload && { payload: Buffer.from(swap(payload.toString('latin1')), 'latin1') }),
      };
    },

    /** With all that tokens say, but for what follows from the session's id. */
    withoutSessions: (body: string): string =>
      body.replaceAll(TOKEN, (token) => {
        const { sid: _, jti: __, ...claims } = decodeJwt(token);
        return JSON.stringify(claims);
      }),
  };
}
