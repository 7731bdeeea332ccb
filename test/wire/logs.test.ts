// What could sign somebody in is in no line of the log, however much is logged and whatever goes wrong.
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createLogger } from '../../src/platform/logger.ts';
import { call, form, join, makeAccount, say } from '../support/classic-client.ts';
import { spawnServer } from '../support/servers.ts';
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
