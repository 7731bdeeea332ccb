// A generated request as the server's own `inject` takes it.
import type { InjectOptions } from 'fastify';
import { form } from '../support/classic-client.ts';
import type { GeneratedRequest, Route } from './requests.ts';

export type Injection = InjectOptions & { url: string; headers: Record<string, string>; payload?: Buffer };

export async function toInjection(
  route: Pick<Route, 'method' | 'url'>,
  { id, query, headers, body }: Omit<GeneratedRequest, 'token'>,
  token: string | undefined,
): Promise<Injection> {
  const text = Object.entries(query).map(
    ([name, value]) => `${name}=${encodeURIComponent(toText(value).toWellFormed())}`,
  );
  const given = await encode(body);
  return {
    method: route.method as 'GET',
    url: `${route.url.replace(':id', id)}?${text.join('&')}`,
    headers: {
      ...headers,
      ...(given && { 'content-type': given.type }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    ...(given && { payload: given.bytes }),
  };
}

const toText = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '');

async function encode(body: GeneratedRequest['body']): Promise<{ type: string; bytes: Buffer } | undefined> {
  if (body?.kind === 'json') {
    const text = JSON.stringify(body.value);
    return { type: 'application/json', bytes: Buffer.from(text) };
  }
  if (body?.kind !== 'form') return body;
  const encoded = new Response(form(body.fields));
  return { type: encoded.headers.get('content-type') ?? '', bytes: Buffer.from(await encoded.arrayBuffer()) };
}
