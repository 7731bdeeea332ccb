// Writes what comes in small pieces as few large writes, a few of them at a time: whoever brings the pieces goes on
// meanwhile, and waits when the disk is slower.
import type { FileHandle } from 'node:fs/promises';

/** Bytes of one write. */
const GATHERED = 524_288;
const WRITES_IN_FLIGHT = 3;

/** Answers the bytes written. Whatever fails, no write is under way any more when it does. */
export async function writeGathered(
  file: FileHandle,
  { content, position }: { content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>; position: number },
): Promise<number> {
  const flights: Promise<void>[] = [];
  let pieces: Uint8Array[] = [];
  let gathered = 0;
  let at = position;
  const launch = (): void => {
    flights.push(writeAll(file, pieces, at));
    at += gathered;
    pieces = [];
    gathered = 0;
  };
  try {
    for await (const piece of content) {
      if (piece.length === 0) continue;
      pieces.push(piece);
      gathered += piece.length;
      if (gathered < GATHERED) continue;
      if (flights.length >= WRITES_IN_FLIGHT) await flights.shift();
      launch();
    }
    if (gathered > 0) launch();
    await Promise.all(flights);
    return at - position;
  } finally {
    await Promise.allSettled(flights);
  }
}

/** A disk that runs full writes what still fits and fails only at the next try. */
async function writeAll(file: FileHandle, pieces: Uint8Array[], position: number): Promise<void> {
  let left = pieces;
  let at = position;
  while (left.length > 0) {
    const { bytesWritten } = await file.writev(left, at);
    at += bytesWritten;
    left = behind(left, bytesWritten);
  }
}

/** What follows the first `bytes` bytes. */
function behind(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  let passed = 0;
  for (const piece of pieces) {
    const from = Math.max(0, bytes - passed);
    if (from < piece.length) rest.push(from === 0 ? piece : piece.subarray(from));
    passed += piece.length;
  }
  return rest;
}
