// The tracks of a stream and their segments, between rows and what the encoder and playlists speak of.
import type { Insertable, Selectable } from 'kysely';
import type { Database, Transaction } from '../../platform/database/database.ts';
import type { RenditionsTable, SegmentsTable } from '../../platform/database/tables.ts';
import type { MadeSegment } from './videos/segments.ts';
import type { StreamTrack } from './videos/stream.ts';

export type RenditionRow = Selectable<RenditionsTable>;

type Reader = Database['read'] | Transaction;

export const findRenditions = (read: Reader, mediaId: number): Promise<RenditionRow[]> =>
  read
    .selectFrom('renditions')
    .selectAll()
    .where('mediaId', '=', mediaId)
    .orderBy('width')
    .orderBy('id')
    .execute();

/** In order. */
export async function findSegments(read: Reader, renditionId: number): Promise<MadeSegment[]> {
  const rows = await read
    .selectFrom('segments')
    .selectAll()
    .where('renditionId', '=', renditionId)
    .orderBy('position')
    .execute();
  return rows.map(toSegment);
}

export function toRendition(mediaId: number, track: StreamTrack): Insertable<RenditionsTable> {
  const { name, width, height, codecs, targetSeconds, bandwidth } = track;
  return {
    ...{ mediaId, name, width, height, codecs, targetSeconds, bandwidth },
    kind: track.copied ? 'copy' : track.kind,
    framesPerKilosecond: Math.round(1000 * track.frameRate),
    averageBandwidth: bandwidth,
    iFrameBandwidth: 0,
    ...{ playlistRun: null, listedAt: null, finishedAt: null },
  };
}

export function toSegmentRow(
  place: { renditionId: number; position: number },
  segment: MadeSegment,
): SegmentsTable {
  const { file, init, bytes } = segment;
  const keys = segment.keys.map((key) => [key.offset, key.bytes, toMicroseconds(key.seconds)]);
  const microseconds = toMicroseconds(segment.seconds);
  return { ...place, file, init, bytes, microseconds, keys: JSON.stringify(keys) };
}

function toSegment({ file, init, bytes, microseconds, keys }: SegmentsTable): MadeSegment {
  const read = JSON.parse(keys) as [offset: number, bytes: number, microseconds: number][];
  return {
    ...{ file, init, bytes, seconds: microseconds / 1e6 },
    keys: read.map(([offset, length, lasts]) => ({ offset, bytes: length, seconds: lasts / 1e6 })),
  };
}

const toMicroseconds = (seconds: number): number => Math.round(1e6 * seconds);
