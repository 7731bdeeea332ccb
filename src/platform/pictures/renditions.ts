// A stored picture at other sizes and in newer formats, for clients that can choose. docs/decisions/019-pictures.md says
// which and why.
import type { Sharp } from 'sharp';

export type RenditionFormat = 'webp' | 'avif';

export interface RenderedPicture {
  bytes: Buffer;
  type: 'image/webp' | 'image/avif';
  width: number;
  height: number;
  /** The first frame alone of a picture that moves. */
  isStill: boolean;
}

export interface RenditionPlan {
  format: RenditionFormat;
  /** In pixels, ascending. A smaller picture is made at its own width as well, but never larger. */
  widths: readonly number[];
}

interface Source {
  /** Opens the picture afresh. */
  open: (options?: { animated: boolean }) => Sharp;
  bytes: number;
  width: number;
  isMoving: boolean;
}

/** A moving picture is shown in one place, so it is made once, at most this wide; AVIF is for pictures that stand still. */
const MOVING_WIDTH = 1_280;

/** Smallest first. What is no smaller a file than the picture itself, at its width, is left out. */
export async function* renderEach(source: Source, plan: RenditionPlan): AsyncGenerator<RenderedPicture> {
  if (!source.isMoving) {
    for (const width of chooseWidths(source.width, plan.widths)) {
      const rendered = await render(source.open(), { ...plan, width });
      if (width < source.width || rendered.bytes.length < source.bytes) yield rendered;
    }
  } else if (plan.format === 'webp') {
    const width = Math.min(source.width, MOVING_WIDTH);
    yield { ...(await render(source.open(), { ...plan, width })), isStill: true };
    const moving = await render(source.open({ animated: true }), { ...plan, width });
    if (moving.bytes.length < source.bytes) yield moving;
  }
}

/** Those below the picture's own width, and that; what would be nearly the same twice is left out. */
export function chooseWidths(own: number, widths: readonly number[]): number[] {
  const largest = widths.at(-1) ?? own;
  if (own >= largest) return [...widths];
  return [...widths.filter((width) => width * NEARLY < own), own];
}

const NEARLY = 1.25;

/** AVIF at an effort of 4 takes five times as long as at 3, for a tenth of the bytes; below 3 it is no smaller than WebP. */
const AVIF = { quality: 52, effort: 3 } as const;
const WEBP = { quality: 78, alphaQuality: 90, effort: 4 } as const;

async function render(
  picture: Sharp,
  { format, width }: { format: RenditionFormat; width: number },
): Promise<RenderedPicture> {
  const resized = picture.resize({ width, withoutEnlargement: true });
  const encoded = format === 'webp' ? resized.webp(WEBP) : resized.avif(AVIF);
  const { data, info } = await encoded.toBuffer({ resolveWithObject: true });
  const height = info.pageHeight ?? info.height;
  return { bytes: data, type: `image/${format}`, width: info.width, height, isStill: false };
}
