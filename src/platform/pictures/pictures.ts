// Turns the bytes of any picture that we take into one that every client shows: upright, sRGB, no metadata, of bounded
// size, encoded afresh. The kind is read from the bytes alone. Everything a file may cost is checked on its header,
// before any pixel is decoded; decoding itself is bounded in number and in time.

import { fileTypeFromBuffer } from 'file-type';
import sharp, {
  type Metadata,
  type OutputInfo,
  type ResizeOptions,
  type Sharp,
  type SharpOptions,
} from 'sharp';
import { DomainError, invalid, tooLarge, unavailable, unsupported } from '../errors.ts';
import { createTurnstile } from '../turnstile.ts';

/** `inside` keeps the whole picture, `cover` cuts it to the shape of the box. Neither makes a picture larger. */
export interface PictureFit {
  width: number;
  height: number;
  mode: 'inside' | 'cover';
}

export interface NormalisedPicture {
  bytes: Buffer;
  extension: 'jpg' | 'png' | 'gif';
  contentType: 'image/jpeg' | 'image/png' | 'image/gif';
  width: number;
  height: number;
  animated: boolean;
}

export interface PictureLimits {
  /** Of the file. */
  maxBytes: number;
  /** Of all frames together. */
  maxPixels: number;
  maxFrames: number;
  /** Pictures decoded at once; each costs up to about 4 bytes per allowed pixel. */
  concurrency: number;
  /** Pictures that may wait, each with its bytes in memory; 32 unless told. */
  queueLimit?: number;
  timeoutSeconds: number;
}

export interface Pictures {
  /**
   * Opaque pictures become JPEG, others PNG, moving ones GIF. Fails with `not_a_picture`, `broken_picture`,
   * `heic_not_supported`, `picture_too_large` (bytes), `picture_too_big` (pixels or frames), `picture_too_slow`
   * or `pictures_busy`.
   */
  normalise(bytes: Buffer, fit: PictureFit): Promise<NormalisedPicture>;
}

// JPEG ends at 65,535 pixels a side; nobody looks at a picture of a tenth of that which is one pixel wide.
const longestSide = 16_384;
const jpegQuality = 82;

// An AVIF is decoded in one piece at some 18 bytes a pixel, where the others need 4 and mostly stream.
const mostAvifPixels = 12e6;

// Choosing the colours of a moving picture costs more than half a second per million pixels: what has more in all its
// frames together becomes smaller instead of holding a processor for half a minute.
const mostMovingPixels = 10e6;

export function createPictures(limits: PictureLimits): Pictures {
  sharp.concurrency(1);
  sharp.cache(false);
  const takeTurn = createTurnstile({
    concurrency: limits.concurrency,
    queueLimit: limits.queueLimit ?? 32,
    refuse: () =>
      unavailable(
        'pictures_busy',
        'Too many pictures are being read right now. Please try again in a moment.',
        {
          retryAfter: 5,
        },
      ),
  });

  return {
    async normalise(bytes, fit) {
      if (bytes.length > limits.maxBytes) {
        throw tooLarge('picture_too_large', `This picture is larger than ${sayMebibytes(limits.maxBytes)}.`);
      }
      const format = await sniffFormat(bytes);
      if (format === 'webp') checkWebpFrames(bytes, limits.maxFrames);
      return await takeTurn(() => readPicture({ bytes, format, fit, limits }));
    },
  };
}

interface Reading {
  bytes: Buffer;
  format: string;
  fit: PictureFit;
  limits: PictureLimits;
}

/** What sharp calls each kind that we take, by the ending that file-type gives it. */
const formats: Record<string, string> = {
  jpg: 'jpeg',
  png: 'png',
  apng: 'png',
  webp: 'webp',
  gif: 'gif',
  avif: 'heif',
};

async function sniffFormat(bytes: Buffer): Promise<string> {
  const sniffed = await fileTypeFromBuffer(bytes).catch(() => undefined);
  if (sniffed?.ext === 'heic') {
    throw unsupported(
      'heic_not_supported',
      'Pictures in the HEIC format cannot be read here. Please save the picture as JPEG and try again.',
    );
  }
  const format = formats[sniffed?.ext ?? ''];
  if (!format) throw notAPicture();
  return format;
}

/** The WebP reader takes quadratic time in the number of frames merely to open a file, so they are counted before. */
function checkWebpFrames(bytes: Buffer, maxFrames: number): void {
  let frames = 0;
  for (let at = bytes.indexOf('ANMF'); at >= 0; at = bytes.indexOf('ANMF', at + 4)) {
    frames += 1;
    if (frames > maxFrames) throw tooManyFrames(maxFrames);
  }
}

async function readPicture(reading: Reading): Promise<NormalisedPicture> {
  try {
    const metadata = await sharp(reading.bytes, { limitInputPixels: false }).metadata();
    if (metadata.format !== reading.format) throw notAPicture();
    checkSize(metadata, reading.limits);
    const isMoving = (metadata.pages ?? 1) > 1 && metadata.format !== 'heif';
    return await (isMoving ? encodeMoving(reading, metadata) : encodeStill(reading, metadata));
  } catch (error) {
    if (error instanceof DomainError) throw error;
    if (error instanceof Error && error.message.startsWith('timeout')) {
      throw invalid('picture_too_slow', 'This picture takes too long to read.');
    }
    throw invalid('broken_picture', 'This picture is damaged and cannot be read.');
  }
}

function checkSize({ format, width, height, pages = 1 }: Metadata, limits: PictureLimits): void {
  if (pages > limits.maxFrames) throw tooManyFrames(limits.maxFrames);
  const maxPixels = format === 'heif' ? Math.min(limits.maxPixels, mostAvifPixels) : limits.maxPixels;
  if (width > longestSide || height > longestSide || width * height * pages > maxPixels) {
    throw invalid(
      'picture_too_big',
      `This picture has too many pixels. At most ${Math.floor(maxPixels / 1e6)} million are allowed.`,
    );
  }
}

/** Shrinks first and looks for transparency after: the pixels that are kept decide, not an alpha channel that is there. */
async function encodeStill(reading: Reading, metadata: Metadata): Promise<NormalisedPicture> {
  const { width, height } = metadata.autoOrient;
  const { data, info } = await openPicture(reading, {})
    .autoOrient()
    .resize(planSize({ width, height, fit: reading.fit, maxPixels: Infinity }))
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { channels } = info;
  const pixels = sharp(data, { raw: { width: info.width, height: info.height, channels } });
  if (channels % 2 === 0 && !isOpaque(data, channels)) {
    return describePicture(await pixels.png().toBuffer({ resolveWithObject: true }), 'png');
  }
  const jpeg = pixels.removeAlpha().jpeg({ quality: jpegQuality, mozjpeg: true });
  return describePicture(await jpeg.toBuffer({ resolveWithObject: true }), 'jpg');
}

async function encodeMoving(reading: Reading, metadata: Metadata): Promise<NormalisedPicture> {
  const { width, height, pages = 1 } = metadata;
  const gif = openPicture(reading, { animated: true })
    .resize(planSize({ width, height, fit: reading.fit, maxPixels: mostMovingPixels / pages }))
    .toColourspace('srgb')
    .gif({ effort: 3 });
  return describePicture(await gif.toBuffer({ resolveWithObject: true }), 'gif');
}

function openPicture({ bytes, limits }: Reading, options: SharpOptions): Sharp {
  return sharp(bytes, { ...options, failOn: 'error', limitInputPixels: limits.maxPixels }).timeout({
    seconds: limits.timeoutSeconds,
  });
}

/** Never larger than the picture is: a small one is cut to the shape of a box that it should cover, at its own scale. */
function planSize(picture: {
  width: number;
  height: number;
  fit: PictureFit;
  maxPixels: number;
}): ResizeOptions {
  const { fit, maxPixels } = picture;
  const isCut = fit.mode === 'cover';
  const shape = isCut ? fit : picture;
  const bound = isCut ? picture : fit;
  const scale = Math.min(
    1,
    bound.width / shape.width,
    bound.height / shape.height,
    Math.sqrt(maxPixels / (shape.width * shape.height)),
  );
  return {
    width: Math.max(1, Math.round(shape.width * scale)),
    height: Math.max(1, Math.round(shape.height * scale)),
    fit: isCut ? 'cover' : 'fill',
  };
}

function isOpaque(pixels: Buffer, channels: number): boolean {
  for (let at = channels - 1; at < pixels.length; at += channels) {
    if (pixels[at] !== 255) return false;
  }
  return true;
}

const contentTypes = { jpg: 'image/jpeg', png: 'image/png', gif: 'image/gif' } as const;

function describePicture(
  { data, info }: { data: Buffer; info: OutputInfo },
  extension: 'jpg' | 'png' | 'gif',
): NormalisedPicture {
  return {
    bytes: data,
    extension,
    contentType: contentTypes[extension],
    width: info.width,
    height: info.pageHeight ?? info.height,
    animated: extension === 'gif',
  };
}

const notAPicture = (): Error => invalid('not_a_picture', 'This file is not a picture we can read.');

const tooManyFrames = (maxFrames: number): Error =>
  invalid('picture_too_big', `This picture has too many frames. At most ${maxFrames} are allowed.`);

const sayMebibytes = (bytes: number): string => `${Math.floor(bytes / 1024 / 1024)} MiB`;
