import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseFrameRate, toNumber } from './frame-rates.ts';
import { chooseRenditions } from './renditions.ts';

const thirty = { numerator: 30, denominator: 1 };
const source = (width: number, height: number, more: object = {}) => ({
  ...{ width, height, codec: 'h264', averageFrameRate: thirty, baseFrameRate: thirty },
  ...more,
});
const sizes = (given: ReturnType<typeof source>, sides = [360, 720]): string[] =>
  chooseRenditions(given, sides).map(({ name, width, height }) => `${name} ${width}x${height}`);

describe('choosing renditions', () => {
  test.each([
    ['the standard ones up to the source', source(1280, 720), ['360p 640x360', '720p 1280x720']],
    ['none above the largest standard', source(3840, 2160), ['360p 640x360', '720p 1280x720']],
    ['portrait by its short side', source(1080, 1920), ['360p 360x640', '720p 720x1280']],
    [
      'a source between two standard ones its own size too',
      source(768, 576),
      ['360p 480x360', '576p 768x576'],
    ],
    ['a source just above a standard one only that', source(712, 400), ['360p 640x360']],
    ['a source below the smallest its own size', source(64, 48), ['48p 64x48']],
    ['odd sides made even', source(641, 359), ['358p 640x358']],
    ['odd shapes', source(854, 480), ['360p 640x360', '480p 854x480']],
    ['a dot as small as encoders take', source(1, 1), ['16p 16x16']],
    ['a panorama no wider than decoders take', source(8192, 512), ['240p 3840x240']],
  ])('gives %s', (_, given, wanted) => {
    expect(sizes(given)).toEqual(wanted);
  });

  test('has five of them if nobody says otherwise', () => {
    expect(chooseRenditions(source(1920, 1080)).map(({ name }) => name)).toEqual([
      ...['240p', '360p', '480p', '720p', '1080p'],
    ]);
  });

  test('takes the list of standard sides that it is given, in any order', () => {
    expect(sizes(source(1920, 1080), [1080, 360, 720, 360])).toEqual([
      '360p 640x360',
      '720p 1280x720',
      '1080p 1920x1080',
    ]);
  });

  test('gives small pictures a finer quality and every size a ceiling', () => {
    const [small, large] = chooseRenditions(source(1280, 720), [360, 720]);
    expect(small).toMatchObject({ crf: 21.3, maxrate: 900, bufsize: 1800 });
    expect(large).toMatchObject({ crf: 21.8, maxrate: 3200, bufsize: 6400 });
  });

  test('spends no more than 1.3 times the bits of an H.264 source, and more for a thriftier codec', () => {
    const top = (codec: string): number | undefined =>
      chooseRenditions(source(1280, 720, { codec, bitRate: 1e6 })).at(-1)?.maxrate;
    expect(top('h264')).toBe(1300);
    expect(top('hevc')).toBe(2600);
  });

  test('never exceeds the source, is even, unique by name and rising, whatever the source', () => {
    const side = fc.integer({ min: 16, max: 8192 });
    fc.assert(
      fc.property(side, side, (width, height) => {
        const chosen = chooseRenditions(source(width, height));
        expect(chosen.length).toBeGreaterThan(0);
        for (const rendition of chosen) {
          expect([rendition.width % 2, rendition.height % 2]).toEqual([0, 0]);
          expect(rendition.width).toBeLessThanOrEqual(width);
          expect(rendition.height).toBeLessThanOrEqual(height);
          expect(rendition.maxrate).toBeGreaterThanOrEqual(200);
        }
        expect(new Set(chosen.map(({ name }) => name)).size).toBe(chosen.length);
      }),
    );
  });
});

describe('choosing a frame rate', () => {
  const fraction = (numerator: number, denominator = 1) => ({ numerator, denominator });
  test.each([
    [
      'keeps an exact rate',
      { average: fraction(30_000, 1001), base: fraction(30_000, 1001), wanted: 30_000 / 1001 },
    ],
    ['keeps 60', { average: fraction(60), base: fraction(60), wanted: 60 }],
    ['halves 120', { average: fraction(120), base: fraction(120), wanted: 60 }],
    ['halves 144 twice over', { average: fraction(144), base: fraction(144), wanted: 36 }],
    [
      'makes a variable rate the usual one above its average',
      { average: fraction(273, 10), base: fraction(1000), wanted: 30_000 / 1001 },
    ],
    ['halves a fast variable rate', { average: fraction(100), base: fraction(1000), wanted: 50 }],
    [
      'takes the frames of interlaced pictures, not their fields',
      { average: fraction(25), base: fraction(50), wanted: 25 },
    ],
    ['doubles a slow one', { average: fraction(3), base: fraction(3), wanted: 12 }],
  ])('%s', (_, { average, base, wanted }) => {
    expect(toNumber(chooseFrameRate({ average, base }))).toBeCloseTo(wanted, 6);
  });

  test('assumes 30 where the source says nothing useful', () => {
    expect(toNumber(chooseFrameRate({}))).toBe(30);
    expect(toNumber(chooseFrameRate({ base: fraction(1000) }))).toBe(30);
    expect(toNumber(chooseFrameRate({ base: fraction(25) }))).toBe(25);
  });
});
