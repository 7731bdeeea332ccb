// The site's own page: under a strict policy, with files that may be kept for ever and come packed.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { startServer, type TestServer } from '../support/servers.ts';

const BUILT = fileURLToPath(new URL('../../web/dist/', import.meta.url));
const BUILDER = fileURLToPath(new URL('../../bin/build-web.js', import.meta.url));

let site: TestServer;
beforeAll(async () => {
  if (!existsSync(`${BUILT}index.html`)) await promisify(execFile)(process.execPath, [BUILDER]);
  site = await startServer();
});
afterAll(() => site[Symbol.asyncDispose]());

async function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await fetch(site.base + path, { method, headers, redirect: 'manual' });
  return { response, status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
}

describe("the site's own page", () => {
  test.each(['/', '/following', '/signin', '/signup', '/search?q=x', '/people/1', '/posts/1'])(
    'is at %s',
    async (path) => {
      const { response, status, bytes } = await get(path);
      expect(status).toBe(200);
      expect(bytes.equals(await readFile(`${BUILT}index.html`))).toBe(true);
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(response.headers.get('cache-control')).toBe('no-cache');
      const head = await get(path, {}, 'HEAD');
      expect([head.status, head.bytes.length]).toEqual([200, 0]);
    },
  );

  test('may run and load only what comes from here', async () => {
    const policy = (await get('/')).response.headers.get('content-security-policy') ?? '';
    const rules = Object.fromEntries(
      policy.split(';').map((rule): [string, string] => {
        const [name = '', ...sources] = rule.trim().split(/\s+/);
        return [name, sources.join(' ')];
      }),
    );
    expect(rules).toMatchObject({
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': "'self'",
      'base-uri': "'none'",
      'frame-ancestors': "'none'",
      'form-action': "'self'",
    });
    expect(policy).not.toMatch(/unsafe|\*|http:|https:/);
  });

  test('names files that are there, under names that change with them, packed as the browser likes', async () => {
    const html = (await get('/')).bytes.toString();
    const names = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1] ?? '');
    expect(names.length).toBeGreaterThanOrEqual(2);
    for (const name of names) {
      expect(name).toMatch(/-[\w-]{8}\.(js|css|svg)$/);
      const plain = await readFile(BUILT + name.slice(1));
      for (const [accepted, encoding, unpack] of [
        ['gzip, deflate, br', 'br', brotliDecompressSync],
        ['gzip, deflate', 'gzip', gunzipSync],
        ['br;q=0, gzip', 'gzip', gunzipSync],
        ['identity', undefined, (bytes: Buffer) => bytes],
      ] as const) {
        const answer = await sendRaw(
          site.base,
          rawRequest(`HEAD ${name} HTTP/1.1`, ['Host: localhost', `Accept-Encoding: ${accepted}`]),
        );
        expect(answer.status).toBe(200);
        expect(answer.headers['content-encoding'], accepted).toBe(encoding);
        expect(answer.headers['vary']?.toLowerCase()).toContain('accept-encoding');
        expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable');
        const packed = await readFile(
          BUILT + name.slice(1) + { br: '.br', gzip: '.gz', none: '' }[encoding ?? 'none'],
        );
        expect(Number(answer.headers['content-length'])).toBe(packed.length);
        expect(unpack(packed).equals(plain)).toBe(true);
      }
    }
  });

  test('stands in for an address that a person mistyped, as a 404; a program gets JSON', async () => {
    const person = await get('/no/such/page', { accept: 'text/html,*/*' });
    expect(person.status).toBe(404);
    expect(person.bytes.toString()).toContain('<!doctype html>');
    for (const path of ['/no/such/page', '/assets/none.js', '/api/none', '/media/none.png']) {
      const { status, bytes } = await get(path, path === '/no/such/page' ? {} : { accept: 'text/html' });
      expect([status, bytes.toString()]).toEqual([404, '{"detail":"Not found."}']);
    }
  });
});
