// What must hold of every answer to a generated request.
import { isUtf8 } from 'node:buffer';
import type { LightMyRequestResponse } from 'fastify';
import { expect } from 'vitest';
import type { GeneratedRequest, Route } from './requests.ts';

/** Signs of the inside: paths, stack traces, SQL, names of libraries. */
export const INTERNALS =
  /node_modules|\/src\/|file:\/\/|\.ts:\d|\bat \w+.*:\d+:\d+|sqlite|SqliteError|select .* from|ZodError|FST_ERR|kysely|stack"/i;

export function expectSound(route: Route, request: GeneratedRequest, answer: LightMyRequestResponse): void {
  const { statusCode: status, body } = answer;
  expect(status).toBeLessThan(500);
  expect(status).toBeGreaterThanOrEqual(200);
  expect(answer.headers['x-content-type-options']).toBe('nosniff');
  if (status >= 400) expect(body).not.toMatch(INTERNALS);
  if (!route.public && request.token !== 'good') {
    // An address that cannot be read is told so before anybody asks who wants it.
    expect([401, ...(isReadable(request.id) ? [] : [400, 404, 414])]).toContain(status);
    return;
  }
  if (isRefused(route, request)) {
    expect(status, 'what the schema refuses').toBeGreaterThanOrEqual(400);
  }
  judgeBody(route, answer);
}

/** JSON, as the schema that is declared for the status says, with nothing besides. */
function judgeBody(route: Route, { statusCode, headers, body }: LightMyRequestResponse): void {
  if (body === '') return;
  expect(headers['content-type']).toMatch(/^application\/json/);
  const json: unknown = JSON.parse(body);
  const declared = route.responses[statusCode];
  if (declared) expect(declared.parse(json)).toEqual(json);
  else if (statusCode >= 400) expect(json).toBeTypeOf('object');
}

function isRefused(route: Route, { id, body }: GeneratedRequest): boolean {
  if (route.params && route.url.includes(':id') && !route.params.safeParse({ id: decode(id) }).success)
    return true;
  const schema = route.body ?? route.form;
  if (!schema || ['GET', 'HEAD'].includes(route.method)) return false;
  const given = readBody(route, body);
  return given === undefined || !schema.safeParse(given.value).success;
}

/** What the handler is given; undefined for what is no body that this route takes. */
function readBody(route: Route, body: GeneratedRequest['body']): { value: unknown } | undefined {
  if (!body) return { value: undefined };
  if (body.kind === 'json') return isOnlyForm(route) ? undefined : { value: asSent(body.value) };
  if (body.kind === 'form') {
    if (!route.form) return undefined;
    const { chunk } = body.fields;
    return {
      value:
        isOnlyForm(route) && chunk !== undefined
          ? { ...body.fields, chunk: Buffer.from(chunk) }
          : body.fields,
    };
  }
  if (body.type !== 'application/json' || !isUtf8(body.bytes) || isOnlyForm(route)) return undefined;
  try {
    // A byte order mark may be passed over (RFC 8259 section 8.1).
    return { value: JSON.parse(body.bytes.toString().replace(/^\uFEFF/, '')) };
  } catch {
    return undefined;
  }
}

/** Chunks come as forms alone; other forms may be JSON as well. */
const isOnlyForm = ({ url }: Route): boolean => url.endsWith('/media/video/');

const asSent = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value));

function decode(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return 'unreadable';
  }
}

const isReadable = (id: string): boolean => decode(id) !== 'unreadable' && decode(id).length <= 300;
