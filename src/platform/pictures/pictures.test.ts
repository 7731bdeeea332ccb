import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { createPictures, type PictureFit } from './pictures.ts';

const limits = {
  maxBytes: 20 * 1024 * 1024,
  maxPixels: 40e6,
  maxFrames: 200,
  concurrency: 2,
  timeoutSeconds: 20,
};
const pictures = createPictures(limits);
const inside: PictureFit = { width: 2048, height: 2048, mode: 'inside' };
const avatar: PictureFit = { width: 256, height: 256, mode: 'cover' };

const paint = (width: number, height: number, background: string) =>
  sharp({ create: { width, height, channels: background.length > 7 ? 4 : 3, background } });

/** A red half at the left of a blue one. */
const paintHalves = (width: number, height: number) =>
  paint(width, height, '#0000ff').composite([
    { input: { create: { width: width / 2, height, channels: 3, background: '#ff0000' } }, left: 0, top: 0 },
  ]);

function paintMoving(size: { width: number; height: number; frames: number }) {
  const { width, height, frames } = size;
  const pixels = Buffer.alloc(width * height * frames * 3);
  for (let at = 0; at < pixels.length; at += 1) pixels[at] = Math.floor(at / (width * height * 3)) * 40;
  return sharp(pixels, { raw: { width, height: height * frames, channels: 3, pageHeight: height } });
}

async function readPixel(bytes: Buffer, at: { left: number; top: number }): Promise<number[]> {
  const one = sharp(bytes).extract({ ...at, width: 1, height: 1 });
  return [...(await one.raw().toBuffer())];
}

describe('a still picture', () => {
  test.each(['jpeg', 'png', 'webp', 'gif', 'avif'] as const)(
    'comes as %s and leaves as JPEG',
    async (format) => {
      const picture = await pictures.normalise(await paintHalves(60, 40).toFormat(format).toBuffer(), inside);
      expect(picture).toMatchObject({
        extension: 'jpg',
        contentType: 'image/jpeg',
        width: 60,
        height: 40,
        animated: false,
      });
      const metadata = await sharp(picture.bytes).metadata();
      expect(metadata).toMatchObject({
        format: 'jpeg',
        space: 'srgb',
        isProgressive: true,
        width: 60,
        height: 40,
      });
      const [red = 0, , blue = 255] = await readPixel(picture.bytes, { left: 5, top: 5 });
      expect(red).toBeGreaterThan(200);
      expect(blue).toBeLessThan(60);
    },
  );

  test.each(['png', 'webp', 'gif', 'avif'] as const)(
    'with transparency comes as %s and leaves as PNG',
    async (format) => {
      const bytes = await paint(30, 30, '#ff000000').toFormat(format).toBuffer();
      const picture = await pictures.normalise(bytes, inside);
      expect(picture).toMatchObject({ extension: 'png', contentType: 'image/png', animated: false });
      expect(await readPixel(picture.bytes, { left: 5, top: 5 })).toHaveLength(4);
    },
  );

  test('with an alpha channel that hides nothing leaves as JPEG', async () => {
    const bytes = await paint(30, 30, '#00ff00ff').png().toBuffer();
    expect((await sharp(bytes).metadata()).hasAlpha).toBe(true);
    expect(await pictures.normalise(bytes, inside)).toMatchObject({ extension: 'jpg' });
  });

  test.each([
    ['grey', () => paintHalves(20, 20).greyscale().png()],
    ['16 bit grey', () => paintHalves(20, 20).toColourspace('grey16').png()],
    ['16 bit colour', () => paintHalves(20, 20).toColourspace('rgb16').png()],
    ['CMYK', () => paintHalves(20, 20).toColourspace('cmyk').jpeg()],
    ['Display P3', () => paintHalves(20, 20).withIccProfile('p3').jpeg()],
    ['palette', () => paintHalves(20, 20).png({ palette: true })],
    ['interlaced', () => paintHalves(20, 20).png({ progressive: true })],
  ])('of another colour form leaves in sRGB: %s', async (_, make) => {
    const picture = await pictures.normalise(await make().toBuffer(), inside);
    expect(await sharp(picture.bytes).metadata()).toMatchObject({
      space: 'srgb',
      channels: 3,
      depth: 'uchar',
      hasProfile: false,
    });
  });

  test('is turned upright and loses its metadata, the place where it was taken included', async () => {
    const bytes = await paintHalves(60, 40)
      .jpeg()
      .withExif({ IFD0: { Copyright: 'Ann' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' } })
      .withMetadata({ orientation: 6 })
      .toBuffer();
    expect(await sharp(bytes).metadata()).toMatchObject({ orientation: 6, exif: expect.any(Buffer) });
    const picture = await pictures.normalise(bytes, inside);
    expect(picture).toMatchObject({ width: 40, height: 60 });
    const metadata = await sharp(picture.bytes).metadata();
    expect([metadata.exif, metadata.icc, metadata.xmp, metadata.iptc, metadata.orientation]).toEqual(
      Array(5).fill(undefined),
    );
    const [red = 0, , blue = 0] = await readPixel(picture.bytes, { left: 20, top: 5 });
    expect(red - blue).toBeGreaterThan(150);
  });

  test('is cut upright too', async () => {
    const bytes = await paintHalves(600, 300).jpeg().withMetadata({ orientation: 6 }).toBuffer();
    expect(await pictures.normalise(bytes, { width: 100, height: 200, mode: 'cover' })).toMatchObject({
      width: 100,
      height: 200,
    });
    expect(await pictures.normalise(bytes, { width: 100, height: 100, mode: 'inside' })).toMatchObject({
      width: 50,
      height: 100,
    });
  });
});

test.each([
  [[3000, 1000], inside, [2048, 683]],
  [[1000, 3000], inside, [683, 2048]],
  [[3000, 1], inside, [2048, 1]],
  [[100, 50], inside, [100, 50]],
  [[1000, 500], avatar, [256, 256]],
  [[300, 100], avatar, [100, 100]],
  [[1, 1], avatar, [1, 1]],
  [[500, 400], { width: 1200, height: 400, mode: 'cover' }, [500, 167]],
] as const)(
  'a picture of %j in %j becomes %j, never larger',
  async ([width, height], fit, [outWidth, outHeight]) => {
    const bytes = await paint(width, height, '#808080').png().toBuffer();
    expect(await pictures.normalise(bytes, fit)).toMatchObject({ width: outWidth, height: outHeight });
  },
);

describe('a moving picture', () => {
  test.each(['gif', 'webp'] as const)(
    'comes as %s and leaves as GIF with its frames, delays and loops',
    async (format) => {
      const moving = paintMoving({ width: 40, height: 20, frames: 5 });
      const bytes = await moving.toFormat(format, { loop: 3, delay: [100, 200, 100, 200, 100] }).toBuffer();
      const picture = await pictures.normalise(bytes, inside);
      expect(picture).toMatchObject({
        extension: 'gif',
        contentType: 'image/gif',
        width: 40,
        height: 20,
        animated: true,
      });
      expect(await sharp(picture.bytes, { animated: true }).metadata()).toMatchObject({
        format: 'gif',
        pages: 5,
        pageHeight: 20,
        loop: 3,
        delay: [100, 200, 100, 200, 100],
      });
    },
  );

  test('is cut and shrunk frame by frame', async () => {
    const bytes = await paintMoving({ width: 400, height: 300, frames: 3 }).gif().toBuffer();
    const picture = await pictures.normalise(bytes, { width: 50, height: 50, mode: 'cover' });
    expect(picture).toMatchObject({ width: 50, height: 50, animated: true });
    expect(await sharp(picture.bytes).metadata()).toMatchObject({ pages: 3, width: 50, height: 50 });
  });

  test('of very many pixels becomes smaller, so that it costs seconds at most', async () => {
    const bytes = await paintMoving({ width: 700, height: 700, frames: 60 }).gif({ effort: 1 }).toBuffer();
    const picture = await pictures.normalise(bytes, inside);
    expect(picture).toMatchObject({ width: 408, height: 408, animated: true });
  }, 30_000);

  test('is refused when all its frames together have too many pixels', async () => {
    const bytes = await paintMoving({ width: 500, height: 500, frames: 4 }).gif({ effort: 1 }).toBuffer();
    const strict = createPictures({ ...limits, maxPixels: 999_999 });
    await expect(strict.normalise(bytes, inside)).rejects.toMatchObject({
      kind: 'invalid',
      code: 'picture_too_big',
    });
    const lenient = createPictures({ ...limits, maxPixels: 1_000_000 });
    await expect(lenient.normalise(bytes, inside)).resolves.toMatchObject({ animated: true });
  });
});

test('whatever is hidden behind or inside a picture is gone', async () => {
  const script = '<script>alert(document.domain)</script>PK\x03\x04<?php system($_GET[0]); ?>';
  for (const format of ['jpeg', 'png', 'webp', 'gif'] as const) {
    const image = await paintHalves(40, 40)
      .withExif({ IFD0: { Copyright: script } })
      .toFormat(format)
      .toBuffer();
    const picture = await pictures.normalise(Buffer.concat([image, Buffer.from(script)]), inside);
    for (const trace of ['script', 'php', 'PK\x03\x04']) expect(picture.bytes.includes(trace)).toBe(false);
  }
});

test('pictures beyond the queue are refused for now, the others are all read', async () => {
  const narrow = createPictures({ ...limits, concurrency: 1, queueLimit: 2 });
  const bytes = await paintHalves(40, 40).png().toBuffer();
  const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => narrow.normalise(bytes, inside)));
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(refused).toHaveLength(3);
  expect(refused[0]?.reason).toMatchObject({
    kind: 'unavailable',
    code: 'pictures_busy',
    details: { retryAfter: 5 },
  });
  await expect(narrow.normalise(bytes, inside)).resolves.toMatchObject({ extension: 'jpg' });
});
