// A picture as some thirty characters: what is painted where it will be while it loads (https://blurha.sh).
import { encode } from 'blurhash';
import type { Sharp } from 'sharp';

/** Pixels a side that are looked at: more tell nothing, as the hash keeps twelve colours. */
const SIDE = 32;

/** `image` is used up. What is transparent counts as white. */
export async function describeBlur(image: Sharp): Promise<string> {
  const { data, info } = await image
    .flatten({ background: '#fff' })
    .resize(SIDE, SIDE, { fit: 'inside' })
    .toColourspace('srgb')
    .ensureAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const isWide = info.width >= info.height;
  const pixels = new Uint8ClampedArray(data.buffer, data.byteOffset, data.length);
  return encode(pixels, info.width, info.height, isWide ? 4 : 3, isWide ? 3 : 4);
}
