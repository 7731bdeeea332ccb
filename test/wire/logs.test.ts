// What could sign somebody in is in no line of the log, however much is logged and whatever goes wrong.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createLogger } from '../../src/platform/logger.ts';
import { asDataUrl, call, form, join, makeAccount, say } from '../support/classic-client.ts';
import { spawnServer, startServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';

test('secrets are cut out of what is logged, wherever they stand', () => {
  const lines: string[] = [];
  const logger = createLogger('trace', { write: (line) => lines.push(line) });
  logger.info({
    password: 'hush',
    body: { refreshToken: 'hush' },
    headers: { authorization: 'Bearer hush' },
  });
  logger.child({ token: 'hush', route: '/kept' }).error({ err: new Error('kept too') });
  const log = lines.join('');
  expect(log).not.toContain('hush');
  expect(log).toContain('/kept');
  expect(log).toContain('kept too');
});

test('a server that logs all it can tells no password and no token', async () => {
  await using site = await spawnServer({ LOG_LEVEL: 'trace' });
  const { base } = site;
  const ann = await join(base);
  const wrong = 'Wrong-Harbour-42';
  const refused = makeAccount({ email: 'no address', password: 'Refused-Harbour-43' });
  await call(base, '/api/users/user/register/', { body: form(refused) });
  await call(base, '/api/users/user/token/', { body: { username: ann.username, password: wrong } });
  const pair = (await call(base, '/api/users/user/token/refresh/', { body: { refresh: ann.refresh } })).json;
  await call(base, `/api/posts/?token=${ann.access}&access=${pair.access}`, { token: `${ann.access}x` });
  const socket = new WebSocket(`${base.replace('http', 'ws')}/ws/posts/likes/?token=${ann.access}`);
  await once(socket, 'open');
  socket.terminate();
  const postID = await say(base, ann, 'to be liked');
  await ask(site.dataDir, 'drop table likes');
  const broken = await call(base, '/api/posts/post/add/like/', { token: ann.access, body: { postID } });
  expect(broken.status).toBe(500);
  const body = { refreshToken: pair.refresh };
  await call(base, '/api/users/user/logout/', { token: pair.access, body });
  expect(await site.end('SIGTERM')).toEqual({ code: 0, signal: null });

  const log = site.lines.join('\n');
  expect(log).toContain('"route":"/api/users/user/token/"');
  for (const token of [ann.access, ann.refresh, pair.access, pair.refresh])
    expect(log).not.toContain(token.split('.')[2]);
  for (const password of [ann.password, wrong, refused.password]) expect(log).not.toContain(password);
});

describe('each request', () => {
  const lineOf = (lines: readonly string[], id: string): Record<string, unknown> | undefined =>
    lines
      .filter((line) => line.startsWith('{'))
      .map((line): Record<string, unknown> => JSON.parse(line))
      .find(({ reqId, msg }) => reqId === id && msg === 'request');
  const idOf = (answer: { headers: Headers }): string => answer.headers.get('x-request-id') ?? '';

  test('is one line with who, what, and how long, under the id that its answer carries', async () => {
    await using site = await spawnServer({ LOG_LEVEL: 'info' });
    const ann = await join(site.base);
    const own = await call(site.base, '/api/users/author/?secret=in-the-query', { token: ann.access });
    const nobody = await call(site.base, '/no/such/place');
    expect(await site.end('SIGTERM')).toEqual({ code: 0, signal: null });
    const [user] = await ask<{ id: number }>(site.dataDir, 'select id from users');
    const line = lineOf(site.lines, idOf(own));
    expect(line).toMatchObject({
      ...{ method: 'GET', route: '/api/users/author/', status: 200, user: user?.id },
      ...{ ms: expect.any(Number), bytes: expect.any(Number) },
    });
    expect(Number(line?.['bytes'])).toBe(Buffer.byteLength(own.text));
    expect(lineOf(site.lines, idOf(nobody))).toMatchObject({ route: 'none', status: 404 });
    expect(lineOf(site.lines, idOf(nobody))).not.toHaveProperty('user');
    expect(site.lines.join('\n')).not.toMatch(/in-the-query|no\/such\/place/);
    // Jobs say which one and of what kind.
    const jobs = site.lines.filter((one) => one.includes('"msg":"job"')).map((one) => JSON.parse(one));
    expect(jobs.length).toBeGreaterThan(0);
    for (const job of jobs)
      expect(job).toMatchObject({ job: expect.any(Number), kind: expect.any(String), outcome: 'done' });
  });

  test('is named by the jobs that come of it, and by those that come of them', async () => {
    await using site = await spawnServer({ LOG_LEVEL: 'info', PICTURE_FORMATS: 'webp,avif' });
    const ann = await join(site.base);
    const postID = await say(site.base, ann, 'a picture');
    const runs = (): Record<string, unknown>[] =>
      site.lines.filter((line) => line.includes('"msg":"job"')).map((line) => JSON.parse(line));
    // Its body comes in many pieces.
    const pixels = { width: 320, height: 320, channels: 3 as const };
    const noise = sharp(randomBytes(320 * 320 * 3), { raw: pixels });
    const image = { postID, imageBase64: asDataUrl(await noise.png({ compressionLevel: 0 }).toBuffer()) };
    const path = '/api/posts/post/add/media/image/';
    const answer = await call(site.base, path, { token: ann.access, body: image });
    expect(answer.status).toBe(200);
    const own = () => runs().filter(({ reqId }) => reqId === idOf(answer));
    const kinds = () => own().map(({ kind }) => kind);
    await expect.poll(kinds, { timeout: 10_000 }).toEqual(['picture-renditions', 'picture-avif']);
    // Nobody asked for these.
    const sweeps = runs().filter(({ kind }) => String(kind).startsWith('sweep'));
    expect(sweeps.length).toBeGreaterThan(0);
    for (const sweep of sweeps) expect(sweep).not.toHaveProperty('reqId');
  });

  const GIVEN = 'edge-1:0123456789abcdef';
  test.each([
    ['of a trusted proxy', 'loopback', GIVEN, true],
    ['of anybody else', '10.0.0.0/8', GIVEN, false],
    ['where no proxy is trusted', '', GIVEN, false],
    ['that is too short', 'loopback', 'abc', false],
    ['that is too long', 'loopback', 'a'.repeat(200), false],
    ['with a quote in it', 'loopback', 'edge-1","level":"60', false],
  ])('takes the id %s: %s, %s: %s', async (...row) => {
    const [, TRUSTED_PROXIES, given, isTaken] = row;
    await using site = await startServer({ TRUSTED_PROXIES });
    const answer = await fetch(`${site.base}/health`, { headers: { 'x-request-id': given } });
    expect(idOf(answer) === given).toBe(isTaken);
    expect(idOf(answer)).toMatch(/^[\w.:-]{8,128}$/);
  });
});
