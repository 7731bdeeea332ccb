import { crc32, deflateSync, gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeHeic } from '../../../test/support/heic.ts';
import { createPictures } from './pictures.ts';

const limits = {
  maxBytes: 20 * 1024 * 1024,
  maxPixels: 40e6,
  maxFrames: 200,
  concurrency: 2,
  timeoutSeconds: 20,
};
const pictures = createPictures(limits);
const fit = { width: 2048, height: 2048, mode: 'inside' } as const;

const refusal = async (bytes: Buffer): Promise<unknown> =>
  await pictures.normalise(bytes, fit).then(
    () => 'taken',
    (error: unknown) => error,
  );

describe('what is no picture is refused:', () => {
  const box = (brand: string): Buffer =>
    Buffer.from(`\0\0\0\u0018ftyp${brand}\0\0\0\0${brand}mif1`, 'latin1');
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from([0xff])],
    ['text', Buffer.from('hello')],
    [
      'SVG',
      Buffer.from(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>',
      ),
    ],
    [
      'SVG with a declaration',
      Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    ],
    ['HTML', Buffer.from('<!doctype html><script>alert(1)</script>')],
    ['script', Buffer.from('#!/bin/sh\nid\n')],
    ['PDF', Buffer.from('%PDF-1.7\n1 0 obj\n<<>>\nendobj\n')],
    ['MP4', Buffer.concat([box('isom'), makeNoise(500)])],
    [
      'WebM',
      Buffer.concat([
        Buffer.from('1a45dfa39f4286810142f7810142f2810442f381084282847765626d', 'hex'),
        makeNoise(99),
      ]),
    ],
    ['ZIP', Buffer.from('504b0506000000000000000000000000000000000000', 'hex')],
    ['GZIP', gzipSync(Buffer.alloc(30_000_000))],
    ['BMP', Buffer.concat([Buffer.from('BM'), Buffer.alloc(200)])],
    ['TIFF', Buffer.concat([Buffer.from('49492a0008000000', 'hex'), Buffer.alloc(200)])],
    ['noise', makeNoise(5000)],
  ])('%s', async (_, bytes) => {
    expect(await refusal(bytes)).toMatchObject({
      kind: 'invalid',
      code: 'not_a_picture',
      message: 'This file is not a picture we can read.',
    });
  });

  test.each(['heic', 'heix', 'mif1'])(
    'HEIC of brand %s, with a sentence that says what to do',
    async (brand) => {
      expect(await refusal(Buffer.concat([box(brand), makeNoise(500)]))).toMatchObject({
        kind: 'unsupported',
        code: 'heic_not_supported',
        message: expect.stringContaining('save the picture as JPEG'),
      });
    },
  );

  test('HEIC as phones take it: read where libvips can, else refused in a sentence', async () => {
    const heic = await makeHeic(320, 240);
    // Its container is sound, and the size stands in it.
    expect(await sharp(heic).metadata()).toMatchObject({
      format: 'heif',
      compression: 'hevc',
      width: 320,
      height: 240,
    });
    const canRead = await sharp(heic)
      .raw()
      .toBuffer()
      .then(
        () => true,
        () => false,
      );
    const outcome = await refusal(heic);
    if (canRead) expect(outcome).toBe('taken');
    else expect(outcome).toMatchObject({ kind: 'unsupported', code: 'heic_not_supported' });
  });

  test.each(['GIF89a', 'GIF89a=1;/*', '\x89PNG\r\n\x1a\n', '\xff\xd8\xff\xe0', 'RIFF\x24\0\0\0WEBPVP8 '])(
    'SVG behind the first bytes of a picture: %j',
    async (start) => {
      const svg =
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>';
      expect(await refusal(Buffer.from(start + svg, 'latin1'))).toMatchObject({ kind: 'invalid' });
    },
  );
});

describe('a damaged picture is refused:', () => {
  const whole = new Map<string, Buffer>();
  beforeAll(async () => {
    const photo = sharp(makeNoise(120 * 90 * 3), { raw: { width: 120, height: 90, channels: 3 } });
    for (const format of ['jpeg', 'png', 'webp', 'gif', 'avif'] as const) {
      whole.set(format, await photo.clone().toFormat(format).toBuffer());
    }
  });

  const formats = ['jpeg', 'png', 'webp', 'gif', 'avif'];
  test.each(formats.flatMap((format) => [0.1, 0.5, 0.9].map((part) => [format, part] as const)))(
    '%s cut after %d of its bytes',
    async (format, part) => {
      const bytes = whole.get(format) ?? Buffer.alloc(0);
      const error = await refusal(bytes.subarray(0, Math.floor(bytes.length * part)));
      expect(error).toMatchObject({
        kind: 'invalid',
        message: expect.stringMatching(/^This (picture|file) .*\.$/),
      });
    },
  );

  test.each(['png', 'avif'])('%s with noise inside', async (format) => {
    const bytes = Buffer.from(whole.get(format) ?? Buffer.alloc(0));
    makeNoise(200).copy(bytes, Math.floor(bytes.length / 2));
    expect(await refusal(bytes)).toMatchObject({ kind: 'invalid', code: 'broken_picture' });
  });
});

describe('a bomb is refused within two seconds and 200 MB:', () => {
  const bombs: [string, () => Buffer | Promise<Buffer>][] = [
    ['PNG of 30,000 x 30,000', () => makePng(30_000, 30_000)],
    ['PNG of 1 x 1,000,000', () => makePng(1, 1_000_000)],
    ['PNG of 1,000,000 x 1', () => makePng(1_000_000, 1)],
    ['PNG of 1,000,000 x 1,000,000', () => makePng(1_000_000, 1_000_000, Buffer.alloc(1000))],
    ['GIF of 50,000 frames', () => makeGif(50_000)],
    ['GIF of 900,000 frames', () => makeGif(900_000)],
    ['WebP of 50,000 frames', () => makeWebp(50_000)],
    ['WebP of 400,000 frames', () => makeWebp(400_000)],
    ['WebP of 150 frames of 16,000 x 16,000', () => makeWebp(150, 16_000)],
    ['JPEG that says 65,500 x 65,500', () => makeJpeg(65_500)],
    ['AVIF of 4,000 x 4,000', () => makeAvif(4000)],
  ];
  test.each(bombs)('%s', async (_, make) => {
    const bytes = await make();
    expect(bytes.length).toBeLessThan(limits.maxBytes);
    const peakBefore = process.resourceUsage().maxRSS;
    const started = performance.now();
    expect(await refusal(bytes)).toMatchObject({ kind: 'invalid', code: 'picture_too_big' });
    expect(performance.now() - started).toBeLessThan(2000);
    expect((process.resourceUsage().maxRSS - peakBefore) / 1024).toBeLessThan(200);
  });

  test('a file of more bytes than allowed', async () => {
    const bytes = Buffer.alloc(limits.maxBytes + 1);
    expect(await refusal(bytes)).toMatchObject({
      kind: 'too_large',
      code: 'picture_too_large',
      message: 'This picture is larger than 20 MiB.',
    });
  });
});

test('a picture that takes too long is given up', async () => {
  const hasty = createPictures({ ...limits, timeoutSeconds: 1 });
  const pixels = makeNoise(700 * 700 * 3 * 24);
  const moving = sharp(pixels, { raw: { width: 700, height: 700 * 24, channels: 3, pageHeight: 700 } });
  const bytes = await moving.webp({ effort: 0, quality: 1 }).toBuffer();
  const started = performance.now();
  await expect(hasty.normalise(bytes, fit)).rejects.toMatchObject({
    kind: 'invalid',
    code: 'picture_too_slow',
  });
  expect(performance.now() - started).toBeLessThan(5000);
}, 30_000);

/** Bytes without pattern, the same ones each time (xorshift). */
function makeNoise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 2_463_534_242;
  for (let at = 0; at < length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state & 0xff;
  }
  return bytes;
}

/** One bit per pixel, all black, unless other pixel data is given. */
function makePng(
  width: number,
  height: number,
  pixels = Buffer.alloc(height * (1 + Math.ceil(width / 8))),
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(pixels)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Frames of one pixel: a control block with the delay, a descriptor, and the codes `clear, 0, end`. */
function makeGif(frames: number): Buffer {
  const start = Buffer.from('47494638396101000100800000000000ffffff', 'hex');
  const frame = Buffer.from('21f9040005000000' + '2c000000000100010000' + '0202440100', 'hex');
  return Buffer.concat([start, Buffer.alloc(frames * frame.length, frame), Buffer.from(';')]);
}

/** Frames of one pixel on a canvas of `side` x `side`. */
async function makeWebp(frames: number, side = 1): Promise<Buffer> {
  const still = await sharp({ create: { width: 1, height: 1, channels: 4, background: '#ff000080' } })
    .webp({ lossless: true })
    .toBuffer();
  const chunk = (type: string, data: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(data.length);
    return Buffer.concat([Buffer.from(type), length, data, Buffer.alloc(data.length % 2)]);
  };
  const canvas = Buffer.alloc(10);
  canvas[0] = 0x12;
  canvas.writeUIntLE(side - 1, 4, 3);
  canvas.writeUIntLE(side - 1, 7, 3);
  const place = Buffer.alloc(16);
  place.writeUIntLE(10, 12, 3);
  const pixels = still.subarray(still.indexOf('VP8L'));
  const frame = chunk('ANMF', Buffer.concat([place, pixels]));
  const moving = Buffer.alloc(frames * frame.length, frame);
  const body = [Buffer.from('WEBP'), chunk('VP8X', canvas), chunk('ANIM', Buffer.alloc(6)), moving];
  return chunk('RIFF', Buffer.concat(body));
}

/** A real JPEG whose frame header claims another size. */
async function makeJpeg(side: number): Promise<Buffer> {
  const bytes = await sharp({ create: { width: 16, height: 16, channels: 3, background: '#808080' } })
    .jpeg()
    .toBuffer();
  const header = bytes.indexOf(Buffer.from('ffc0', 'hex'));
  bytes.writeUInt16BE(side, header + 5);
  bytes.writeUInt16BE(side, header + 7);
  return bytes;
}

/** Of one colour: some kilobytes for any number of pixels. */
const makeAvif = (side: number): Promise<Buffer> =>
  sharp({ create: { width: side, height: side, channels: 3, background: '#808080' } })
    .avif({ effort: 0 })
    .toBuffer();
