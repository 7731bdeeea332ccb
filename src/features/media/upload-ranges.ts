// Which bytes of an upload are there, as ranges.

/** Bytes from `start` up to, and without, `end`. */
export interface ByteRange {
  start: number;
  end: number;
}

/** Of the bytes from `offset` on, what no range has. The ranges do not overlap. */
export function findGaps(all: ByteRange, received: readonly ByteRange[]): ByteRange[] {
  const gaps: ByteRange[] = [];
  let at = all.start;
  for (const { start, end } of received.toSorted((one, other) => one.start - other.start)) {
    if (end <= at) continue;
    if (start >= all.end) break;
    if (start > at) gaps.push({ start: at, end: start });
    at = end;
  }
  if (at < all.end) gaps.push({ start: at, end: all.end });
  return gaps;
}

/** The next stretch from `at` on, which is received as a whole or not at all. */
export function nextStretch(
  at: number,
  received: readonly ByteRange[],
): { end: number; isReceived: boolean } {
  const around = received.find(({ start, end }) => start <= at && at < end);
  if (around) return { end: around.end, isReceived: true };
  const ahead = received.filter(({ start }) => start > at).map(({ start }) => start);
  return { end: Math.min(Infinity, ...ahead), isReceived: false };
}
