// Pictures for tests, made up: photographs, what a camera writes into them, and films as GIF.
import sharp, { type Sharp } from 'sharp';

/** A red half at the left of a blue one. */
export const paintHalves = (width: number, height: number): Sharp =>
  sharp({ create: { width, height, channels: 3, background: '#0000ff' } }).composite([
    {
      input: { create: { width: Math.round(width / 2), height, channels: 3, background: '#ff0000' } },
      left: 0,
      top: 0,
    },
  ]);

/** Where it was taken, and with what: none of it may be seen again. */
export const SECRETS = ['Secret Camera', 'Ann Lee', '52/1', 'GPS'];
export const withSecrets = (picture: Sharp): Sharp =>
  picture.withExif({
    IFD0: { Make: 'Secret Camera', Copyright: 'Ann Lee' },
    IFD3: {
      GPSLatitudeRef: 'N',
      GPSLatitude: '52/1 31/1 12/1',
      GPSLongitudeRef: 'E',
      GPSLongitude: '13/1 24/1 18/1',
    },
  });

/**
 * Something like a photograph: noise of all sizes, the finer the fainter, as in nature. Of 12 million pixels it becomes a
 * JPEG of some 3.5 MB at the quality of a phone.
 */
export async function paintPhoto({ width, height }: { width: number; height: number }): Promise<Sharp> {
  const sums = new Float32Array(width * height * 3);
  const next = createNoise(7);
  for (let [size, strength] = [4, 60]; size <= width; [size, strength] = [size * 2, strength * 0.72]) {
    const grain = {
      width: size,
      height: Math.max(1, Math.round((size * height) / width)),
      channels: 3,
    } as const;
    const raw = Buffer.alloc(grain.width * grain.height * 3);
    for (let at = 0; at < raw.length; at += 3) {
      const light = next() * 205;
      for (let channel = 0; channel < 3; channel += 1) raw[at + channel] = light + next() * 50;
    }
    const grown = await sharp(raw, { raw: grain })
      .resize(width, height, { fit: 'fill', kernel: 'cubic' })
      .raw()
      .toBuffer();
    for (const [at, value] of grown.entries()) sums[at] = (sums[at] ?? 0) + ((value - 128) / 128) * strength;
  }
  const pixels = Buffer.from(Uint8ClampedArray.from(sums, (sum) => 128 + sum).buffer);
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

/** Frames of one grey each, from dark to light. */
export function paintMoving(size: { width: number; height: number; frames: number }): Sharp {
  const { width, height, frames } = size;
  const pixels = Buffer.alloc(width * height * frames * 3);
  for (let at = 0; at < pixels.length; at += 1) pixels[at] = Math.floor(at / (width * height * 3)) * 40;
  return sharp(pixels, { raw: { width, height: height * frames, channels: 3, pageHeight: height } });
}

/** The same numbers each time (xorshift), from 0 to 1. */
function createNoise(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
