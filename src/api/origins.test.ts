import type { FastifyRequest } from 'fastify';
import { expect, test } from 'vitest';
import { createOriginCheck } from './origins.ts';

const allows = createOriginCheck(['https://app.example.org', 'http://localhost:3000']);
const ask = (origin: string | undefined, host = 'site.example'): boolean =>
  allows({ headers: { host, origin } } as FastifyRequest);

test.each([
  [undefined, 'site.example'],
  ['https://site.example', 'site.example'],
  ['http://site.example', 'site.example'],
  ['http://localhost:8000', 'localhost:8000'],
  ['http://[::1]:8000', '[::1]:8000'],
  ['https://app.example.org', 'site.example'],
  ['http://localhost:3000', 'localhost:8000'],
])('%s may listen at %s', (origin, host) => {
  expect(ask(origin, host)).toBe(true);
});

test.each([
  ...['', 'null', 'https://evil.example', 'https://app.example.org.evil.example', 'http://app.example.org'],
  ...['https://app.example.org:444', 'https://evil.example/https://site.example', 'site.example', 'file://'],
  ...['https://site.example@evil.example', 'https://user@site.example', 'https://site.example/'],
  ...[
    'https://site.example:8443',
    'ftp://site.example',
    'ws://site.example',
    'chrome-extension://site.example',
  ],
  ...['HTTPS://SITE.EXAMPLE', 'https://site.example https://evil.example', 'https://site.example.'],
])('%j may not', (origin) => {
  expect(ask(origin)).toBe(false);
});
