// Pictures made small enough to send. The canvas also drops what a camera writes into a file (place, owner).
import { readDataUrl } from './uploads/chunks.ts';

export interface PictureLimit {
  width: number;
  height: number;
}

export const PORTRAIT_LIMIT: PictureLimit = { width: 840, height: 680 };
export const COVER_LIMIT: PictureLimit = { width: 1600, height: 900 };
export const POST_LIMIT: PictureLimit = { width: 1600, height: 1600 };

const JPEG_QUALITY = 0.88;

class UnreadablePicture extends Error {}

/**
 * At most as large as the limit, never blown up. What may move passes untouched (a canvas would keep one frame only), as
 * does HEIC where the browser cannot read it; PNGs stay PNG; the rest becomes JPEG.
 */
export async function scalePicture(file: Blob, limit: PictureLimit): Promise<Blob> {
  if (file.type === 'image/gif' || file.type === 'image/webp') return file;
  const bitmap = await createImageBitmap(file).catch(() => undefined);
  if (!bitmap && (await isHeic(file))) return file;
  if (!bitmap) throw new UnreadablePicture();
  try {
    const scale = Math.min(1, limit.width / bitmap.width, limit.height / bitmap.height);
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    const brush = canvas.getContext('2d');
    if (!brush) throw new UnreadablePicture();
    brush.imageSmoothingQuality = 'high';
    brush.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return await encode(canvas, file.type === 'image/png' ? 'image/png' : 'image/jpeg');
  } finally {
    bitmap.close();
  }
}

export async function scaleToDataUrl(file: Blob, limit: PictureLimit): Promise<string> {
  return readDataUrl(await scalePicture(file, limit));
}

/** By its first box, as browsers that do not know the format name no type. */
async function isHeic(file: Blob): Promise<boolean> {
  const head = await file.slice(4, 12).text();
  return /^ftyp(?:hei|hev|mif1|msf1)/.test(head);
}

function encode(canvas: HTMLCanvasElement, type: string): Promise<Blob> {
  return new Promise((resolve, reject) => {
    const take = (blob: Blob | null): void => (blob ? resolve(blob) : reject(new UnreadablePicture()));
    canvas.toBlob(take, type, JPEG_QUALITY);
  });
}
