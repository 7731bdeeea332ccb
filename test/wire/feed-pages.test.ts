// Pages of the feed that are larger than the original's.
import { expect, test } from 'vitest';
import { call, join, say } from '../support/classic-client.ts';
import { startServer } from '../support/servers.ts';

test('come to whoever asks, up to forty posts', async () => {
  await using server = await startServer();
  const reader = await join(server.base);
  const read = async (query: string): Promise<number[]> => {
    const { status, json } = await call(server.base, `/api/posts/?${query}`, { token: reader.access });
    expect(status).toBe(200);
    return json.map(({ id }: { id: number }) => id);
  };
  const all: number[] = [];
  for (let count = 0; count < 42; count += 1) all.unshift(await say(server.base, reader, `post ${count}`));
  expect(await read('per_page=7')).toEqual(all.slice(0, 7));
  expect(await read('per_page=7&page=2')).toEqual(all.slice(7, 14));
  for (const most of ['40', '41', '999999999'])
    expect(await read(`per_page=${most}`), most).toEqual(all.slice(0, 40));
  expect(await read('per_page=40&page=2')).toEqual(all.slice(40));
  expect(await read('per_page=0')).toEqual(all.slice(0, 1));
  for (const none of ['-1', 'all', '', '1.5', '7&per_page=9'])
    expect(await read(`per_page=${none}`), none).toEqual(all.slice(0, 4));
});
