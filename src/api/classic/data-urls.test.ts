import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DomainError } from '../../platform/errors.ts';
import { decodeBase64, decodeDataUrl, readDataUrl } from './data-urls.ts';

const limits = { maxBytes: 1024 * 1024 };
const hello = Buffer.from('hello');

const codeOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

test.each([
  'data:image/png;base64,aGVsbG8=',
  'data:;base64,aGVsbG8=',
  'data:application/octet-stream;base64,aGVsbG8=',
  'data:video/mp4;codecs=avc1;base64,aGVsbG8=',
  'DATA:IMAGE/PNG;BASE64,aGVsbG8=',
  'data:anything at all;base64,aGVsbG8=',
])('the bytes of %j are read whatever its type', (text) => {
  expect(readDataUrl(text, limits)).toEqual(hello);
});

test.each([
  '',
  'aGVsbG8=',
  'data',
  'data:',
  'data:,',
  'data:,hello',
  'data:image/png,aGVsbG8=',
  'data:image/png;base64',
  'data:image/png;base64,',
  'blob:image/png;base64,aGVsbG8=',
  ' data:image/png;base64,aGVsbG8=',
  'data:image/png;base64,aGVsbG8',
  'data:image/png;base64,aGVsbG8=\n',
  'data:image/png;base64,aGVs bG8=',
  'data:image/png;base64,aGVsbG8*',
  'data:image/png;base64,aGVsbG9=',
  'data:image/png;base64,====',
  'data:image/png;base64,aGVs=bG8',
  'data:image/png;base64,aGVsbG8==aGV',
  'data:image/png;base64,-_-_',
  'data:image/png;base64,aGVsbG8%3D',
  'data:image/png;base64,äöüß',
  'data:image/png;base64,aGVs\0G8=',
  `data:${'x'.repeat(300)};base64,aGVsbG8=`,
  'data:text/plain;base64x,aGVsbG8=',
])('%j is refused', (text) => {
  expect(codeOf(() => readDataUrl(text, limits))).toBe('invalid_data_url');
});

describe('empty data', () => {
  const empty = ['data:', 'DATA:', 'data:;base64,', 'data:application/octet-stream;base64,'];

  test.each(empty)('is taken as an empty chunk where that is allowed: %j', (text) => {
    expect(readDataUrl(text, { ...limits, allowEmpty: true })).toEqual(Buffer.alloc(0));
    expect(codeOf(() => readDataUrl(text, limits))).toBe('invalid_data_url');
  });

  test.each(['', 'data', 'data:,', 'data:x', 'data:;base64', 'data:;base64,='])(
    'is nothing but that: %j',
    (text) => {
      expect(codeOf(() => readDataUrl(text, { ...limits, allowEmpty: true }))).toBe('invalid_data_url');
    },
  );
});

test('the limit counts bytes, to the byte, whatever the padding', () => {
  for (const maxBytes of [3, 4, 5, 1000]) {
    const url = (size: number): string => `data:;base64,${Buffer.alloc(size, 7).toString('base64')}`;
    expect(readDataUrl(url(maxBytes), { maxBytes })).toHaveLength(maxBytes);
    for (const over of [1, 2, 3, 1000]) {
      expect(codeOf(() => readDataUrl(url(maxBytes + over), { maxBytes }))).toBe('data_too_large');
    }
  }
});

test('a full video chunk is read unchanged', () => {
  const chunk = randomBytes(1024 * 1024);
  const url = `data:application/octet-stream;base64,${chunk.toString('base64')}`;
  expect(url).toHaveLength(1_398_141);
  expect(readDataUrl(url, limits).equals(chunk)).toBe(true);
  expect(codeOf(() => readDataUrl(`${url.slice(0, -8)}*${url.slice(-7)}`, limits))).toBe('invalid_data_url');
});

test('strict base64 comes back as it went, and any change of one character is seen', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 40 }),
      fc.nat(),
      fc.constantFrom(' ', '-', '_', '=', '\n', '.', 'ä', ''),
      (bytes, at, stray) => {
        const text = Buffer.from(bytes).toString('base64');
        expect(decodeBase64(text)).toEqual(Buffer.from(bytes));
        const place = at % (text.length + 1);
        const changed = text.slice(0, place) + stray + text.slice(place + 1);
        if (changed !== text) {
          const decoded = decodeBase64(changed);
          expect(decoded === undefined || decoded.toString('base64') === changed).toBe(true);
        }
      },
    ),
    { seed: 7 },
  );
});

describe('a data URL that streams in', () => {
  const stream = async function* (text: string, size: number): AsyncGenerator<Buffer> {
    for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size), 'latin1');
  };
  async function decode(text: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of decodeDataUrl(text, { maxBytes })) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
  }
  const bytes = Buffer.from(Array.from({ length: 1_000 }, (_, index) => (index * 31) % 256));

  test('is the same bytes however it is cut', async () => {
    for (const length of [0, 1, 2, 3, 4, 999, 1_000]) {
      const text = `data:application/octet-stream;base64,${bytes.subarray(0, length).toString('base64')}`;
      for (const size of [1, 2, 3, 5, 37, 38, 64, 5_000]) {
        const decoded = await decode(stream(text, size), 1_000);
        expect(decoded.equals(bytes.subarray(0, length))).toBe(true);
      }
    }
    expect(await decode(stream('data:', 2), 1)).toHaveLength(0);
  });

  test.each([
    '',
    'hello',
    'data:;base64,AAA',
    'data:;base64,AA=A',
    'data:;base64,AAAA====',
    'data:;base64,A A=',
    'data:,AAAA',
    `data:;base64,${'A'.repeat(8)}=${'A'.repeat(15)}`,
  ])('that is not strict base64 is refused: %s', async (text) => {
    for (const size of [1, 3, 100]) {
      await expect(decode(stream(text, size), 1_000)).rejects.toThrow(DomainError);
    }
  });

  test('is refused as soon as it is too large', async () => {
    const text = `data:;base64,${bytes.toString('base64')}`;
    await expect(decode(stream(text, 64), 999)).rejects.toThrow(DomainError);
  });
});
