// The captions of a video as they are kept: few, so they stand in the media's own row.
import { z } from 'zod';

const schema = z.array(
  z.object({
    id: z.string(),
    /** BCP 47 */
    language: z.string(),
    label: z.string(),
    /** Blob key of WebVTT text. */
    key: z.string(),
    /** Of the file, as far as they count for the owner. */
    bytes: z.int().nonnegative().default(0),
  }),
);

export type CaptionTrack = z.infer<typeof schema>[number];

export const readCaptionTracks = (column: string | null): CaptionTrack[] =>
  column === null ? [] : schema.parse(JSON.parse(column));

export const writeCaptionTracks = (tracks: readonly CaptionTrack[]): string | null =>
  tracks.length === 0 ? null : JSON.stringify(tracks);

export const captionKeys = (column: string | null): string[] =>
  readCaptionTracks(column).map(({ key }) => key);
