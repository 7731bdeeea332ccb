import { createServer } from 'node:http';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { startFaultProxy } from './fault-proxy.ts';

/** A server that answers how many bytes came, and remembers it. */
async function startCounter() {
  const counts: number[] = [];
  const lost: number[] = [];
  const server = createServer((request, response) => {
    let came = 0;
    request.on('data', (bytes: Buffer) => (came += bytes.length));
    buffer(request).then(
      (body) => {
        counts.push(body.length);
        response.end(String(body.length));
      },
      () => lost.push(came),
    );
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('no address');
  return {
    base: `http://localhost:${address.port}`,
    counts,
    lost,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const body = Buffer.alloc(2 ** 20, 'x');
const send = async (base: string, bytes = body): Promise<string> =>
  (await fetch(base, { method: 'POST', body: bytes })).text();

test('what is not broken passes unchanged', async () => {
  await using server = await startCounter();
  await using proxy = await startFaultProxy(server.base);
  expect(await send(proxy.base)).toBe(String(body.length));
});

test('a connection is cut in the middle of a request, and the next one is whole', async () => {
  await using server = await startCounter();
  await using proxy = await startFaultProxy(server.base);
  const stopped = proxy.stopAfter(400_000);
  expect(await send(proxy.base, Buffer.from('small'))).toBe('5');
  const sent = send(proxy.base);
  (await stopped).cut();
  await expect(sent).rejects.toThrow('fetch failed');
  expect(await send(proxy.base)).toBe(String(body.length));
  expect(server.counts).toEqual([5, body.length]);
  expect(server.lost).toHaveLength(1);
  expect(server.lost[0]).toBeLessThan(400_000);
});

test('a stopped connection goes on without a byte lost', async () => {
  await using server = await startCounter();
  await using proxy = await startFaultProxy(server.base);
  const stopped = proxy.stopAfter(400_000);
  const sent = send(proxy.base);
  const connection = await stopped;
  expect(server.counts).toEqual([]);
  connection.goOn();
  expect(await sent).toBe(String(body.length));
});

test('an answer is lost after the server has done its work', async () => {
  await using server = await startCounter();
  await using proxy = await startFaultProxy(server.base);
  const lost = proxy.loseAnswerAfter(400_000);
  await expect(send(proxy.base)).rejects.toThrow('fetch failed');
  await lost;
  expect(server.counts).toEqual([body.length]);
});

test('a client goes, and the server hears nothing of it', async () => {
  await using server = await startCounter();
  await using proxy = await startFaultProxy(server.base);
  const stopped = proxy.stopAfter(400_000);
  const sent = send(proxy.base);
  (await stopped).abandon();
  await expect(sent).rejects.toThrow('fetch failed');
  expect(await send(proxy.base)).toBe(String(body.length));
  expect(server.counts).toEqual([body.length]);
  expect(server.lost).toEqual([]);
  expect(proxy.said).toBeGreaterThan(body.length + 400_000);
});
