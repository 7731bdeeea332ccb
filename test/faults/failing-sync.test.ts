import { once } from 'node:events';
import { expect, test } from 'vitest';
import { call, join, say } from '../support/classic-client.ts';
import { spawnServer } from '../support/servers.ts';

test('a disk that fails to sync the database ends the process, and a new start has all that was answered', async () => {
  const failing = `
    import { open } from 'node:fs/promises';
    const file = Object.getPrototypeOf(await open('/dev/null'));
    const { datasync } = file;
    process.on('SIGUSR2', () => {
      file.datasync = () => Promise.reject(Object.assign(new Error('a planted EIO'), { code: 'EIO' }));
      console.log('planted');
    });`;
  const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(failing)}`;
  await using site = await spawnServer({ NODE_OPTIONS });
  const person = await join(site.base);
  const postId = await say(site.base, person, 'kept');
  const ended = once(site.process, 'exit');
  site.process.kill('SIGUSR2');
  await expect.poll(() => site.lines).toContain('planted');
  // Whether it is answered at all is a matter of chance; that it was done is not what it says.
  const lost = await call(site.base, '/api/posts/post/create/', {
    token: person.access,
    body: { description: 'perhaps' },
  }).catch(() => undefined);
  expect([undefined, 500]).toContain(lost?.status);
  expect(await ended).toEqual([1, null]);
  expect(site.lines.join()).toContain('could not be written to the disk');
  await site.restart();
  expect((await call(site.base, `/api/posts/post/${postId}/`)).json.description).toBe('kept');
});
