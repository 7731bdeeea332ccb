// Turns the bytes of any picture that we take into one that every client shows: upright, sRGB, no metadata, of bounded
// size, encoded afresh. The kind is read from the bytes alone. Everything a file may cost is checked on its header,
// before any pixel is decoded; decoding itself is bounded in number and in time.
import { stat } from 'node:fs/promises';
import sharp, {
  type Metadata,
  type OutputInfo,
  type ResizeOptions,
  type Sharp,
  type SharpOptions,
} from 'sharp';
import { DomainError, invalid, tooLarge, unavailable } from '../errors.ts';
import { createTurnstile } from '../turnstile.ts';
import { describeBlur } from './blur.ts';
import { checkFrames, notAPicture, sniffFormat, tooManyFrames, unreadableHeic } from './formats.ts';
import { renderEach, type RenderedPicture, type RenditionPlan } from './renditions.ts';

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
  blurhash: string;
}

/** What a stored picture turned out to be. */
export interface PictureLook {
  width: number;
  height: number;
  blurhash: string;
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
  /** Looks at a picture that `normalise` made. */
  look(path: string): Promise<PictureLook>;
  /** Encodes it again at other sizes, one after the other. No turn is taken: whoever calls bounds how many do at once. */
  render(path: string, plan: RenditionPlan): AsyncIterable<RenderedPicture>;
}

// JPEG ends at 65,535 pixels a side; nobody looks at a picture of a tenth of that which is one pixel wide.
const longestSide = 16_384;
const jpegQuality = 82;

// AVIF and HEIC are decoded in one piece at some 18 bytes a pixel, where the others need 4 and mostly stream. A phone's
// picture of 12 million pixels has a few more.
const mostAvifPixels = 12.5e6;

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
      const { format, isHeic } = await sniffFormat(bytes);
      checkFrames(bytes, { format, maxFrames: limits.maxFrames });
      return await takeTurn(() => readPicture({ bytes, format, isHeic, fit, limits }));
    },
    async look(path) {
      const { width, height, pageHeight = height } = await sharp(path).metadata();
      return { width, height: pageHeight, blurhash: await describeBlur(openBounded(path, { limits })) };
    },
    async *render(path, plan) {
      const { width, pages = 1 } = await sharp(path).metadata();
      const { size } = await stat(path);
      const open = (options?: SharpOptions): Sharp => openBounded(path, { ...options, limits });
      yield* renderEach({ open, width, bytes: size, isMoving: pages > 1 }, plan);
    },
  };
}

interface Reading {
  bytes: Buffer;
  format: string;
  isHeic: boolean;
  fit: PictureFit;
  limits: PictureLimits;
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
    if (reading.isHeic) throw unreadableHeic();
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
  const opened = openPicture(reading, {});
  // Pixels of 16 bits come out of their profile in Display P3; from there too they have to become sRGB.
  if (metadata.depth === 'ushort' && metadata.hasProfile) opened.withIccProfile('srgb', { attach: false });
  const { data, info } = await opened
    .autoOrient()
    .resize(planSize({ width, height, fit: reading.fit, maxPixels: Infinity }))
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { channels } = info;
  const pixels = sharp(data, { raw: { width: info.width, height: info.height, channels } });
  const blurhash = await describeBlur(pixels.clone());
  if (channels % 2 === 0 && !isOpaque(data, channels)) {
    return describePicture(await pixels.png().toBuffer({ resolveWithObject: true }), {
      extension: 'png',
      blurhash,
    });
  }
  const jpeg = pixels.removeAlpha().jpeg({ quality: jpegQuality, mozjpeg: true });
  return describePicture(await jpeg.toBuffer({ resolveWithObject: true }), { extension: 'jpg', blurhash });
}

async function encodeMoving(reading: Reading, metadata: Metadata): Promise<NormalisedPicture> {
  const { width, height, pages = 1 } = metadata;
  const gif = openPicture(reading, { animated: true })
    .resize(planSize({ width, height, fit: reading.fit, maxPixels: mostMovingPixels / pages }))
    .toColourspace('srgb')
    .gif({ effort: 3 });
  const made = await gif.toBuffer({ resolveWithObject: true });
  return describePicture(made, { extension: 'gif', blurhash: await describeBlur(sharp(made.data)) });
}

const openPicture = ({ bytes, limits }: Reading, options: SharpOptions): Sharp =>
  openBounded(bytes, { ...options, limits });

function openBounded(
  source: Buffer | string,
  { limits, ...options }: SharpOptions & { limits: PictureLimits },
): Sharp {
  return sharp(source, { ...options, failOn: 'error', limitInputPixels: limits.maxPixels }).timeout({
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
  { extension, blurhash }: Pick<NormalisedPicture, 'extension' | 'blurhash'>,
): NormalisedPicture {
  return {
    bytes: data,
    extension,
    contentType: contentTypes[extension],
    width: info.width,
    height: info.pageHeight ?? info.height,
    animated: extension === 'gif',
    blurhash,
  };
}

const sayMebibytes = (bytes: number): string => `${Math.floor(bytes / 1024 / 1024)} MiB`;
