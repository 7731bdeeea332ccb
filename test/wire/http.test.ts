// HTTP below the routes: requests that could be read in two ways, that are too large, and what is no request of ours.
// Each is met with one refusal.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RawAnswer, rawRequest, sendRaw } from '../support/raw-http.ts';
import { startServer, type TestServer } from '../support/servers.ts';

const HOST = 'Host: localhost';

let site: TestServer;
beforeAll(async () => {
  site = await startServer();
});
afterAll(() => site[Symbol.asyncDispose]());

/** One answer, closed behind, that tells nothing of what runs here. */
function expectRefusal({ status, headers, text }: RawAnswer, statuses: readonly number[]): void {
  expect(statuses).toContain(status);
  expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  expect(headers['connection']).toBe('close');
  expect(headers['content-type']).toContain('application/json');
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['server']).toBeUndefined();
  expect(text).not.toMatch(/node|fastify|HPE_|stack|\.ts|\.js/i);
}

describe('a request with an ambiguous length is refused and what follows it is not read', () => {
  const SMUGGLED = `GET /api/posts/post/search?q=x HTTP/1.1\r\n${HOST}\r\n\r\n`;
  const send = (lines: readonly string[], body: string) =>
    sendRaw(site.base, ['POST /api/users/user/token/ HTTP/1.1', HOST, ...lines, '', body].join('\r\n'));

  test.each([
    ['both Content-Length and chunked', ['Content-Length: 4', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
    ['chunked, then Content-Length', ['Transfer-Encoding: chunked', 'Content-Length: 4'], '0\r\n\r\n'],
    ['two lengths that differ', ['Content-Length: 0', 'Content-Length: 4'], ''],
    ['two lengths that agree', ['Content-Length: 0', 'Content-Length: 0'], ''],
    ['two lengths in one header', ['Content-Length: 0, 4'], ''],
    ['a negative length', ['Content-Length: -1'], ''],
    ['a signed length', ['Content-Length: +0'], ''],
    ['a length in hex', ['Content-Length: 0x0'], ''],
    ['a length without digits', ['Content-Length: '], ''],
    ['an unknown coding', ['Transfer-Encoding: xchunked'], '0\r\n\r\n'],
    ['chunked before another coding', ['Transfer-Encoding: chunked, identity'], '0\r\n\r\n'],
    ['chunked twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], '0\r\n\r\n'],
    ['a blank before the colon', ['Transfer-Encoding : chunked'], '0\r\n\r\n'],
    ['a folded coding', ['Transfer-Encoding:', ' chunked', 'Content-Length: 4'], '0\r\n\r\n'],
    ['a chunk size that is none', ['Transfer-Encoding: chunked'], 'x\r\n\r\n'],
    ['a chunk size beyond all numbers', ['Transfer-Encoding: chunked'], `${'f'.repeat(17)}\r\n`],
    ['a header without a name', [': x'], ''],
    ['a bare line feed in the head', ['Accept: x\nContent-Length: 4'], ''],
  ])('%s', async (_, lines, body) => {
    expectRefusal(await send(lines, body + SMUGGLED), [400]);
  });
});

describe('a request that is too large is refused', () => {
  test.each([
    ['a header of 200 kB', rawRequest('GET / HTTP/1.1', [HOST, `Accept: ${'x'.repeat(200_000)}`])],
    ['3,000 headers', rawRequest('GET / HTTP/1.1', [HOST, ...manyHeaders(3_000, 'x: y')])],
    ['3,000 tiny headers', rawRequest('GET / HTTP/1.1', [HOST, ...manyHeaders(3_000, 'x:')])],
    ['200 headers', rawRequest('GET / HTTP/1.1', [HOST, ...manyHeaders(200, 'x: y')])],
    ['an address of 100 kB', rawRequest(`GET /${'x'.repeat(100_000)} HTTP/1.1`)],
  ])('%s', async (_, request) => {
    expectRefusal(await sendRaw(site.base, request), [400, 414, 431]);
  });

  test('but not one with as many headers as a browser and its proxies send', async () => {
    const answer = await sendRaw(
      site.base,
      rawRequest('GET / HTTP/1.1', [HOST, ...manyHeaders(100, 'x: y')]),
    );
    expect(answer.status).toBe(200);
  });
});

describe('what is no request of ours', () => {
  test.each(['CONNECT example.org:443 HTTP/1.1', 'CONNECT /api/posts/ HTTP/1.1'])('%s', async (line) => {
    expectRefusal(await sendRaw(site.base, rawRequest(line)), [400, 501]);
  });

  test.each(['GET / HTTP/9.9', 'GET /', 'nonsense', '\u0016\u0003\u0001'])('%j', async (line) => {
    expectRefusal(await sendRaw(site.base, rawRequest(line)), [400]);
  });

  test.each(['/%zz', '/%', '/api/posts/post/%ff%fe', '/media/%00', '/%c0%ae%c0%ae/'])('%s', async (path) => {
    const { status, text } = await sendRaw(site.base, rawRequest(`GET ${path} HTTP/1.1`));
    expect([400, 401, 404]).toContain(status);
    expect(text).not.toMatch(/node|fastify|stack|\.ts|FST_/i);
  });
});

function manyHeaders(count: number, line: string): string[] {
  return Array.from({ length: count }, () => line);
}
