import { expect, test } from 'vitest';
import { createGathering } from './s3-gathering.ts';

const sizes = { most: 100, least: 10, together: 150 };
const bytes = (count: number, from = 0): Uint8Array =>
  Uint8Array.from({ length: count }, (_, at) => from + at);

async function gather(content: Iterable<Uint8Array>): Promise<number[][]> {
  const pieces: number[][] = [];
  for await (const piece of createGathering(sizes).inPieces(content)) pieces.push([...piece]);
  return pieces;
}

test('pieces are as long as they may be, but for the last', async () => {
  const pieces = await gather([bytes(70), bytes(140), bytes(15)]);
  expect(pieces.map(({ length }) => length)).toEqual([100, 100, 25]);
  expect(pieces.flat()).toEqual([...bytes(70), ...bytes(140), ...bytes(15)]);
  expect(await gather([])).toEqual([]);
});

test('a piece is not changed by what comes after it', async () => {
  const chunk = bytes(30);
  const { inPieces } = createGathering({ ...sizes, most: 20 });
  const pieces = inPieces([chunk]);
  const first = (await pieces.next()).value;
  chunk.fill(255);
  expect([...(first ?? [])]).toEqual([...bytes(20)]);
});

test('while others hold much, pieces are cut short', async () => {
  const { inPieces } = createGathering(sizes);
  const standing = await Promise.all(
    [80, 80].map(async (count) => {
      const more = Promise.withResolvers<void>();
      const content = (async function* () {
        yield bytes(count);
        await more.promise;
      })();
      const pieces = inPieces(content);
      return { pieces, first: pieces.next(), more };
    }),
  );
  // Until both hold what they have been given.
  await new Promise(setImmediate);
  const short: number[] = [];
  for await (const piece of inPieces([bytes(8), bytes(8), bytes(30)])) short.push(piece.length);
  expect(short).toEqual([16, 30]);
  for (const { more, first } of standing) {
    more.resolve();
    expect((await first).value).toHaveLength(80);
  }
  for (const { pieces } of standing) await pieces.return();
  const long: number[] = [];
  for await (const piece of inPieces([bytes(60), bytes(60)])) long.push(piece.length);
  expect(long).toEqual([100, 20]);
});
