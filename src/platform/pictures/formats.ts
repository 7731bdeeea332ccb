// Which kind of picture some bytes are, read from the bytes alone.
import { fileTypeFromBuffer } from 'file-type';
import { invalid, unsupported } from '../errors.ts';

/** What sharp calls each kind that we take, by the ending that file-type gives it. */
const formats: Record<string, string> = {
  jpg: 'jpeg',
  png: 'png',
  apng: 'png',
  webp: 'webp',
  gif: 'gif',
  avif: 'heif',
  heic: 'heif',
};

export interface Sniffed {
  /** In sharp's words. */
  format: string;
  /** What iPhones take; whether it can be read depends on the libvips that is there. */
  isHeic: boolean;
}

/** Throws `invalid` (`not_a_picture`). */
export async function sniffFormat(bytes: Buffer): Promise<Sniffed> {
  const sniffed = await fileTypeFromBuffer(bytes).catch(() => undefined);
  const format = formats[sniffed?.ext ?? ''];
  if (!format) throw notAPicture();
  return { format, isHeic: sniffed?.ext === 'heic' };
}

/** Opening a file already costs the readers time per frame (WebP's quadratic), so frames are counted before. */
export function checkFrames(
  bytes: Buffer,
  { format, maxFrames }: { format: string; maxFrames: number },
): void {
  const frames = COUNTERS[format]?.(bytes, maxFrames) ?? 0;
  if (frames > maxFrames) throw tooManyFrames(maxFrames);
}

function countWebpFrames(bytes: Buffer, enough: number): number {
  let frames = 0;
  for (let at = bytes.indexOf('ANMF'); at >= 0 && frames <= enough; at = bytes.indexOf('ANMF', at + 4))
    frames += 1;
  return frames;
}

const COUNTERS: Record<string, typeof countGifFrames> = { webp: countWebpFrames, gif: countGifFrames };

/** From block to block, as far as the file makes sense. */
function countGifFrames(bytes: Buffer, enough: number): number {
  const skipTable = (flags = 0): number => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  let at = 13 + skipTable(bytes[10]);
  let frames = 0;
  while (at < bytes.length && frames <= enough) {
    const kind = bytes[at];
    if (kind === 0x2c) {
      frames += 1;
      at += 11 + skipTable(bytes[at + 9]);
    } else if (kind === 0x21) at += 2;
    else break;
    for (let size = bytes[at] ?? 0; size > 0; size = bytes[at] ?? 0) at += size + 1;
    at += 1;
  }
  return frames;
}

export const notAPicture = (): Error => invalid('not_a_picture', 'This file is not a picture we can read.');

export const unreadableHeic = (): Error =>
  unsupported(
    'heic_not_supported',
    'Pictures in the HEIC format cannot be read here. Please save the picture as JPEG and try again.',
  );

export const tooManyFrames = (maxFrames: number): Error =>
  invalid('picture_too_big', `This picture has too many frames. At most ${maxFrames} are allowed.`);
