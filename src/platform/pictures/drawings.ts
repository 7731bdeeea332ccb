// Turns a drawing of our own (SVG) into pixels. Never for a stranger's file: an SVG may refer to other files.
import sharp from 'sharp';

/** PNG bytes in the drawing's own size; what it leaves free stays transparent. */
export async function renderDrawing(svg: string): Promise<Buffer> {
  return sharp(Buffer.from(svg)).png({ compressionLevel: 3 }).toBuffer();
}
