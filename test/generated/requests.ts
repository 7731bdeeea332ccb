// Requests to one route: as its schemas want them, and not.
import fc from 'fast-check';
import type { RouteOptions } from 'fastify';
import type { z } from 'zod';
import { broken, inputSchema, type Known, odd, oddTexts, valueOf } from './arbitraries.ts';

/** One method of a mounted route. */
export interface Route {
  method: string;
  url: string;
  public: boolean;
  params: z.ZodType | undefined;
  query: z.ZodType | undefined;
  body: z.ZodType | undefined;
  form: z.ZodType | undefined;
  responses: Record<string, z.ZodType>;
}

export function readRoute({ method, url, schema = {}, config }: RouteOptions): Route[] {
  const { params, querystring: query, body, response } = schema as Record<string, z.ZodType | undefined>;
  const rest = { url, public: config?.public === true, form: config?.form };
  const responses = (response ?? {}) as unknown as Record<string, z.ZodType>;
  return [method].flat().map((one) => ({ method: one, ...rest, params, query, body, responses }));
}

export interface GeneratedRequest {
  token: 'good' | 'none' | 'bad';
  /** For `:id`, as it stands in the address. */
  id: string;
  query: Record<string, unknown>;
  headers: Record<string, string>;
  body: GeneratedBody | undefined;
}

export type GeneratedBody =
  | { kind: 'json'; value: unknown }
  | { kind: 'form'; fields: Record<string, string> }
  | { kind: 'raw'; type: string; bytes: Buffer };

/** What there is on the server to ask about. */
export interface Planted {
  ids: readonly number[];
  texts: Known;
}

export function requestTo(route: Route, { ids, texts }: Planted): fc.Arbitrary<GeneratedRequest> {
  const id = fc.constantFrom(...ids);
  const known: Known = { ...texts };
  for (const name of ['postID', 'commentID', 'videoID', 'existingPostId', 'userID'])
    known[name] = fc.oneof(id, id.map(String));
  return fc.record({
    token: fc.constantFrom<GeneratedRequest['token']>('good', 'good', 'good', 'good', 'none', 'bad'),
    id: fc.oneof({ weight: 3, arbitrary: id.map(String) }, fc.constantFrom(...ODD_IDS)),
    query: queryOf(route),
    headers,
    body: ['GET', 'HEAD'].includes(route.method) ? fc.constant(undefined) : bodyOf(route, known),
  });
}

function queryOf({ query }: Route): fc.Arbitrary<Record<string, unknown>> {
  if (!query) return fc.constant({});
  const names = Object.keys(inputSchema(query).properties ?? {});
  return fc.dictionary(fc.constantFrom(...names, 'page_size', 'limit', '__proto__'), odd, { maxKeys: 3 });
}

function bodyOf({ body, form }: Route, known: Known): fc.Arbitrary<GeneratedBody | undefined> {
  const schema = body ?? form;
  const valid = schema ? valueOf(inputSchema(schema), known) : odd;
  const json = fc.oneof(valid, broken(valid)).map((value): GeneratedBody => ({ kind: 'json', value }));
  const asForm = fc
    .oneof(valid, broken(valid))
    .map((value): GeneratedBody => ({ kind: 'form', fields: toFields(value) }));
  return fc.oneof(
    { weight: body ? 8 : 3, arbitrary: json },
    { weight: form ? 6 : 1, arbitrary: asForm },
    { weight: 1, arbitrary: raw },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
}

const toFields = (value: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.entries(value ?? {}).map(([name, field]) => [
      name || 'x',
      typeof field === 'string' ? field.toWellFormed() : JSON.stringify(field),
    ]),
  );

const BROKEN_JSON = [
  ...[
    '',
    '{',
    '{"a":',
    '[',
    '{"a":1,}',
    "{'a':1}",
    '{"a":1}{"a":1}',
    '\ufeff{}',
    'nul',
    '{"postID":1e999}',
    '"a',
  ],
  ...[
    '{"__proto__":{"x":1}}',
    '{"constructor":{"prototype":{"x":1}}}',
    `${'['.repeat(100_000)}`,
    '{"postID":1,"postID":2}',
  ],
];

const raw: fc.Arbitrary<GeneratedBody> = fc.oneof(
  fc.record({
    kind: fc.constant('raw' as const),
    type: fc.constant('application/json'),
    bytes: fc.oneof(
      fc.constantFrom(...BROKEN_JSON).map((text) => Buffer.from(text)),
      fc.constant(Buffer.from([0x22, 0xff, 0xfe, 0x22])),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    ),
  }),
  fc.record({
    kind: fc.constant('raw' as const),
    type: fc.constantFrom(
      ...[
        'text/plain',
        'text/html',
        'application/xml',
        'application/x-www-form-urlencoded',
        'application/octet-stream',
      ],
      ...[
        'multipart/form-data',
        'multipart/form-data; boundary=',
        'multipart/mixed; boundary=a',
        'application/jsonx',
        'json',
        '/',
        'a;b',
      ],
    ),
    bytes: fc.oneof(
      fc.constant(Buffer.from('{"postID":1}')),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    ),
  }),
  fc.record({
    kind: fc.constant('raw' as const),
    type: fc.constant('multipart/form-data; boundary=cut'),
    bytes: fc
      .constantFrom(
        ...[
          '',
          '--cut',
          '--cut\r\n',
          '--cut\r\n\r\nx',
          '--cut--',
          '--cut\r\nContent-Disposition: form-data; name="a"\r\n\r\nx',
        ],
        '--cut\r\nContent-Disposition: form-data; name="__proto__"\r\n\r\nx\r\n--cut--\r\n',
      )
      .map((text) => Buffer.from(text)),
  }),
);

const ODD_IDS = [
  ...oddTexts
    .filter((text) => !['', ' '].includes(text) && text.length < 300 && text.isWellFormed())
    .map(encodeURIComponent),
  ...['%', '%zz', '%ff', '%2e%2e%2f', '1%2f2', '1%20', '%31', 'a'.repeat(400)],
];

const headers = fc.dictionary(
  fc.constantFrom(
    'accept',
    'range',
    'if-none-match',
    'if-modified-since',
    'origin',
    'x-forwarded-for',
    'x-http-method-override',
    'cookie',
    'accept-encoding',
    'content-encoding',
    'expect-ct',
  ),
  fc.oneof(
    fc.constantFrom(
      'bytes=0-',
      'bytes=-1',
      'bytes=5-1',
      '*',
      'DELETE',
      'text/html',
      'null',
      'https://evil.example',
      '"1-1"',
      'gzip',
      '1.2.3.4',
      'token=x',
    ),
    fc.string({ unit: 'grapheme-ascii', maxLength: 30 }),
  ),
  { maxKeys: 2 },
);
