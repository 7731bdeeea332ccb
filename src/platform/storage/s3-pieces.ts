// A draft in a store that cannot append: one object for each piece, whose name says where it belongs and whose it is.
// Where pieces overlap, the one of the highest fence counts, and of one fence the latest. So what a writer sends after
// it lost its lease changes nothing, whenever it arrives: whoever has the next lease writes at the same place, or has
// recorded it already.
import { randomBytes } from 'node:crypto';
import type { Listed } from './s3-client.ts';

export interface Piece {
  key: string;
  offset: number;
  size: number;
  fence: number;
  /** Epoch milliseconds by the writer's clock, never the same twice in one process. */
  moment: number;
}

/** A part of a piece. */
export interface Segment {
  key: string;
  /** Within the piece; `end` is inclusive. */
  start: number;
  end: number;
}

const NAME = /^(?<folder>.+)\/(?<offset>\d{15})-(?<fence>\d{10})-(?<moment>\d{15})-[0-9a-f]{8}$/;

export const nameOfPiece = ({ offset, fence, moment }: Pick<Piece, 'offset' | 'fence' | 'moment'>): string =>
  [digits(offset, 15), digits(fence, 10), digits(moment, 15), randomBytes(4).toString('hex')].join('-');

const digits = (number: number, count: number): string => String(number).padStart(count, '0');

/** The folder that a piece lies in; undefined for what is none. */
export const folderOfPiece = (key: string): string | undefined => NAME.exec(key)?.groups?.['folder'];

/** The pieces among the objects of one folder. */
export function piecesIn(folder: string, objects: readonly Listed[]): Piece[] {
  return objects.flatMap(({ key, size }) => {
    const found = NAME.exec(key)?.groups;
    if (found?.['folder'] !== folder) return [];
    const [offset, fence, moment] = [found['offset'], found['fence'], found['moment']].map(Number);
    return [{ key, size, offset: offset ?? 0, fence: fence ?? 0, moment: moment ?? 0 }];
  });
}

let last = 0;
export const nextMoment = (): number => (last = Math.max(last + 1, Date.now()));

/** What counts of the pieces, in order, from byte `start` of the draft to the first that is nowhere, and where that is. */
export function join(pieces: readonly Piece[], start = 0): { segments: Segment[]; size: number } {
  const ahead = pieces.filter(({ size }) => size > 0).toSorted((a, b) => b.offset - a.offset);
  const segments: Segment[] = [];
  let over: Piece[] = [];
  let position = start;
  for (;;) {
    for (let next = ahead.at(-1); next && next.offset <= position; next = ahead.at(-1)) {
      over.push(next);
      ahead.pop();
    }
    over = over.filter((piece) => endOf(piece) > position);
    const [best, ...others] = over;
    if (!best) return { segments, size: position };
    const { key, ...top } = others.reduce((a, b) => (outranks(b, a) ? b : a), best);
    // Up to where another piece begins, which may outrank it.
    const end = Math.min(endOf(top), ahead.at(-1)?.offset ?? Infinity);
    append(segments, { key, start: position - top.offset, end: end - top.offset - 1 });
    position = end;
  }
}

/** The part of `segments` from their byte `start` up to and not including `end`. */
export function* cut(
  segments: readonly Segment[],
  { start, end }: { start: number; end: number },
): Generator<Segment> {
  let position = 0;
  for (const segment of segments) {
    if (position >= end) return;
    const size = segment.end - segment.start + 1;
    const from = Math.max(0, start - position);
    const to = Math.min(size, end - position);
    if (from < to) yield { ...segment, start: segment.start + from, end: segment.start + to - 1 };
    position += size;
  }
}

const endOf = ({ offset, size }: Pick<Piece, 'offset' | 'size'>): number => offset + size;

const outranks = (a: Piece, b: Piece): boolean =>
  a.fence === b.fence ? a.moment > b.moment : a.fence > b.fence;

function append(segments: Segment[], segment: Segment): void {
  const before = segments.at(-1);
  if (before?.key === segment.key && before.end + 1 === segment.start) before.end = segment.end;
  else segments.push(segment);
}
