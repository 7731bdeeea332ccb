import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode, isBlurhashValid } from 'blurhash';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { paintHalves, paintMoving, paintPhoto, SECRETS, withSecrets } from '../../../test/support/photos.ts';
import { createPictures, type PictureFit } from './pictures.ts';
import { chooseWidths, type RenderedPicture, type RenditionPlan } from './renditions.ts';

const pictures = createPictures({
  ...{ maxBytes: 20e6, maxPixels: 40e6, maxFrames: 200, concurrency: 1, timeoutSeconds: 20 },
});
const FIT: PictureFit = { width: 2_048, height: 2_048, mode: 'inside' };
const PLAN: RenditionPlan = { format: 'webp', widths: [32, 64, 128] };

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-pictures-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What is stored of a picture, and then made of that. */
async function render(bytes: Buffer, plan: RenditionPlan = PLAN): Promise<RenderedPicture[]> {
  const path = join(folder, 'stored');
  await writeFile(path, (await pictures.normalise(bytes, FIT)).bytes);
  const made: RenderedPicture[] = [];
  for await (const rendered of pictures.render(path, plan)) made.push(rendered);
  return made;
}

describe('widths are', () => {
  test.each([
    [4_000, [320, 640, 1_280], [320, 640, 1_280]],
    [1_280, [320, 640, 1_280], [320, 640, 1_280]],
    [1_000, [320, 640, 1_280], [320, 640, 1_000]],
    [700, [320, 640, 1_280], [320, 700]],
    [320, [320, 640], [320]],
    [90, [320, 640], [90]],
  ])('of a picture %d wide, out of %j, %j', (own, widths, chosen) => {
    expect(chooseWidths(own, widths)).toEqual(chosen);
  });
});

describe.each(['webp', 'avif'] as const)('%s', (format) => {
  test('is made at each width, in the shape of the picture, and nothing larger', async () => {
    const made = await render(
      await (await paintPhoto({ width: 400, height: 200 })).blur(1).png().toBuffer(),
      {
        format,
        widths: [32, 64, 1_000],
      },
    );
    expect(made.map(({ width, height }) => [width, height])).toEqual([
      [32, 16],
      [64, 32],
      [400, 200],
    ]);
    for (const { bytes, type, width, height } of made) {
      const seen = await sharp(bytes).metadata();
      expect(type).toBe(`image/${format}`);
      expect(seen).toMatchObject({ format: format === 'avif' ? 'heif' : 'webp', width, height });
    }
  });

  test('is upright and knows nothing of where and with what it was taken', async () => {
    const taken = await withSecrets(paintHalves(60, 40).jpeg().withMetadata({ orientation: 6 })).toBuffer();
    const source = await sharp(taken).metadata();
    expect(source.orientation).toBe(6);
    expect(source.exif?.includes('Secret Camera')).toBe(true);
    for (const { bytes, width, height } of await render(taken, { format, widths: [20, 40] })) {
      expect(height / width).toBeCloseTo(1.5);
      const { exif, icc, xmp, iptc, orientation } = await sharp(bytes).metadata();
      expect([exif, xmp, iptc, orientation]).toEqual([undefined, undefined, undefined, undefined]);
      expect(icc).toBeUndefined();
      for (const secret of SECRETS) expect(bytes.includes(secret)).toBe(false);
    }
  });

  test('keeps what is transparent', async () => {
    const holes = sharp({ create: { width: 40, height: 40, channels: 4, background: '#00808080' } });
    for (const { bytes } of await render(await holes.png().toBuffer(), { format, widths: [20] })) {
      const [red = 255, green = 0, , alpha] = await sharp(bytes).raw().toBuffer();
      expect([Math.abs(green - 128) < 12, red < 12, alpha]).toEqual([true, true, 128]);
    }
  });
});

test('a rendition that is no smaller than the picture itself is left out', async () => {
  const made = await render(await paintHalves(16, 16).png().toBuffer(), { format: 'avif', widths: [16] });
  const stored = await pictures.normalise(await paintHalves(16, 16).png().toBuffer(), FIT);
  expect(made.every(({ bytes }) => bytes.length < stored.bytes.length)).toBe(true);
});

/** 16 patches; what a person sees of each is compared, away from the borders. */
const SWATCHES = [
  ...['#c03028', '#e07020', '#d0b040', '#609030', '#208050', '#208090', '#3060b0', '#403090'],
  ...['#803080', '#b04070', '#f0d0b0', '#806040', '#202020', '#707070', '#c0c0c0', '#f8f8f8'],
];
/** Those of which there is an ink. */
const MUTED = [
  ...['#a06058', '#b08060', '#b0a070', '#809070', '#608070', '#608088', '#607090', '#686080'],
  ...['#806880', '#906878', '#d0c0b0', '#887868', '#484848', '#787878', '#b8b8b8', '#e8e8e8'],
];
const paintSwatches = (swatches = SWATCHES) =>
  sharp({ create: { width: 320, height: 320, channels: 3, background: '#000' } }).composite(
    swatches.map((background, index) => ({
      input: { create: { width: 80, height: 80, channels: 3, background } },
      left: (index % 4) * 80,
      top: Math.floor(index / 4) * 80,
    })),
  );

/** How far off the worst patch is, of the 441 steps from black to white. */
async function measure(bytes: Buffer | undefined, swatches = SWATCHES): Promise<number> {
  const small = await sharp(bytes).resize(160).removeAlpha().png().toBuffer();
  const distances = swatches.map(async (colour, index) => {
    const middle = {
      left: (index % 4) * 40 + 12,
      top: Math.floor(index / 4) * 40 + 12,
      width: 16,
      height: 16,
    };
    const { channels } = await sharp(await sharp(small).extract(middle).png().toBuffer()).stats();
    const meant = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
    return Math.hypot(...channels.map(({ mean }, channel) => mean - (meant[channel] ?? 0)));
  });
  return Math.max(...(await Promise.all(distances)));
}

describe('colours stay what they are', () => {
  const finest = { quality: 100, chromaSubsampling: '4:4:4' };
  test.each([
    ['sRGB', { most: 6, swatches: SWATCHES }, () => paintSwatches().png()],
    ['Display P3', { most: 6, swatches: SWATCHES }, () => paintSwatches().withIccProfile('p3').jpeg(finest)],
    ['16 bits', { most: 6, swatches: SWATCHES }, () => paintSwatches().toColourspace('rgb16').png()],
    [
      'Display P3 of 16 bits',
      { most: 6, swatches: SWATCHES },
      () => paintSwatches().toColourspace('rgb16').withIccProfile('p3').png(),
    ],
    // No ink is exactly a colour of light: what comes back from the same profile is off by as much.
    ['CMYK', { most: 25, swatches: MUTED }, () => paintSwatches(MUTED).withIccProfile('cmyk').jpeg(finest)],
  ])('in %s', async (_, { most, swatches }, make) => {
    const source = await make().toBuffer();
    expect(await measure((await pictures.normalise(source, FIT)).bytes, swatches)).toBeLessThan(most);
    for (const format of ['webp', 'avif'] as const) {
      const [made] = await render(source, { format, widths: [160] });
      expect(await measure(made?.bytes, swatches)).toBeLessThan(most + 1);
    }
  });

  test.each([
    ['Display P3', () => paintSwatches().withIccProfile('p3').png()],
    ['Display P3 of 16 bits', () => paintSwatches().toColourspace('rgb16').withIccProfile('p3').png()],
  ])('which they would not if %s were taken for sRGB', async (_, make) => {
    const misread = await sharp(await make().toBuffer(), { ignoreIcc: true })
      .png()
      .toBuffer();
    expect(await measure(misread)).toBeGreaterThan(15);
  });
});

/** Five frames of 200 x 100, each another part of a photograph. */
async function paintFilm() {
  const photo = await (await paintPhoto({ width: 200, height: 500 })).blur(2).raw().toBuffer();
  return sharp(photo, { raw: { width: 200, height: 500, channels: 3, pageHeight: 100 } });
}

describe('a picture that moves', () => {
  test.each(['gif', 'webp'] as const)(
    'and came as %s moves on, at its pace and as often, with a still one beside it',
    async (format) => {
      const loops = { loop: 3, delay: [100, 200, 100, 200, 100] };
      const source = await (await paintFilm()).toFormat(format, loops).toBuffer();
      const [still, moving, ...more] = await render(source);
      expect(more).toEqual([]);
      expect(still).toMatchObject({ isStill: true, width: 200, height: 100 });
      expect((await sharp(still?.bytes).metadata()).pages ?? 1).toBe(1);
      expect(moving).toMatchObject({ isStill: false, width: 200, height: 100 });
      expect(await sharp(moving?.bytes, { animated: true }).metadata()).toMatchObject({
        format: 'webp',
        pages: 5,
        pageHeight: 100,
        ...loops,
      });
    },
  );

  test('has no AVIF', async () => {
    const source = await paintMoving({ width: 20, height: 10, frames: 3 }).gif().toBuffer();
    expect(await render(source, { format: 'avif', widths: [20] })).toEqual([]);
  });
});

describe('a blurhash', () => {
  test('is there before anything is made, and looks like the picture', async () => {
    const { blurhash } = await pictures.normalise(await paintHalves(400, 300).jpeg().toBuffer(), FIT);
    expect(isBlurhashValid(blurhash).result).toBe(true);
    const pixels = decode(blurhash, 32, 32);
    const at = (left: number): number[] => [...pixels.slice((16 * 32 + left) * 4, (16 * 32 + left) * 4 + 3)];
    const [red = 0, , blue = 255] = at(4);
    expect(red - blue).toBeGreaterThan(120);
    const [right = 255, , sea = 0] = at(28);
    expect(sea - right).toBeGreaterThan(120);
  });

  test('is that of a stored file too, upright and of its first frame', async () => {
    const path = join(folder, 'old');
    await writeFile(path, await paintMoving({ width: 60, height: 40, frames: 4 }).gif().toBuffer());
    expect(await pictures.look(path)).toMatchObject({
      width: 60,
      height: 40,
      blurhash: expect.stringMatching(/^.{28}$/),
    });
  });
});
