// Many people sign in at the same moment. Hashing is heavy by design; what others do must not wait for it.
import { expect, test } from 'vitest';
import { PICTURE } from '../access/pictures.ts';
import { call, join, say } from '../support/classic-client.ts';
import { spawnServer } from '../support/servers.ts';

test('fifty sign-ins at once all succeed, and others read, load files and like meanwhile', async () => {
  await using server = await spawnServer();
  const ann = await join(server.base, { profile_image: PICTURE });
  const { username, password, access: token } = ann;
  const own = await call(server.base, '/api/users/author/', { token });
  const id = await say(server.base, ann, 'liked');

  let waiting = true;
  const signIns = Promise.all(
    Array.from({ length: 50 }, () =>
      call(server.base, '/api/users/user/token/', { body: { username, password } }),
    ),
  ).finally(() => {
    waiting = false;
  });
  const times: number[] = [];
  while (waiting) {
    const begun = performance.now();
    await call(server.base, `/api/posts/post/${id}`);
    await call(server.base, own.json.profile_picture);
    await call(server.base, `/api/posts/post/${id}/like/`, { method: 'PUT', token });
    times.push(performance.now() - begun);
  }
  expect((await signIns).map(({ status }) => status)).toEqual(Array(50).fill(200));
  // As many hashes as there are threads would let through three or four.
  expect(times.length).toBeGreaterThan(12);
  expect(times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.9)]).toBeLessThan(300);
});
