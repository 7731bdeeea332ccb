// Bytes that a browser sends inside text, as `data:<type>;base64,<data>` (RFC 2397). The type is ignored, since it
// names what somebody picked and not what was sent. Whatever is not exactly base64 is refused, never guessed at.

import { invalid, tooLarge } from '../../platform/errors.ts';

// Browsers write a media type with a few parameters; a longer header is something else.
const longestHeader = 256;

/**
 * The bytes of a data URL of at most `maxBytes` bytes. An empty one is refused unless `allowEmpty`, and then the bare
 * `data:` counts as well, which some browsers make of an empty blob. Fails with `invalid_data_url` or `data_too_large`.
 */
export function readDataUrl(text: string, limits: { maxBytes: number; allowEmpty?: boolean }): Buffer {
  const base64 = findBase64(text);
  if (base64 === undefined) throw malformed();
  const upperBound = Math.ceil(limits.maxBytes / 3) * 4;
  if (base64.length > upperBound) throw overfull();
  const bytes = decodeBase64(base64);
  if (!bytes || (bytes.length === 0 && !limits.allowEmpty)) throw malformed();
  if (bytes.length > limits.maxBytes) throw overfull();
  return bytes;
}

/**
 * The same for a data URL that comes in as a stream, decoded piece by piece so that its text is never whole in memory.
 * An empty one is fine. `expectedBytes` is a guess that saves copying. Fails as `readDataUrl` does.
 */
export async function decodeDataUrl(
  text: AsyncIterable<Buffer>,
  { maxBytes, expectedBytes = 65_536 }: { maxBytes: number; expectedBytes?: number },
): Promise<Buffer> {
  const decoded = createTarget({ maxBytes, expectedBytes });
  let header = '';
  /** Characters of data that are not decoded yet: what is short of a group of four, or the last group, which alone may be padded. */
  let rest: string | undefined;
  for await (const piece of text) {
    let at = 0;
    if (rest === undefined) {
      header += piece.toString('latin1', 0, longestHeader);
      if (!header.includes(',') && header.length < longestHeader) continue;
      const data = findBase64(header);
      if (data === undefined) throw malformed();
      // Of this piece, the header took what stands before its data.
      at = Math.min(piece.length, longestHeader) - data.length;
      rest = '';
    }
    if (rest.length + piece.length - at > 4) {
      const begun = at + ((4 - rest.length) % 4);
      decoded.add(rest + piece.toString('latin1', at, begun));
      const end = piece.length - ((piece.length - begun) % 4 || 4);
      decoded.add(piece.toString('latin1', begun, end));
      rest = '';
      at = end;
    }
    rest += piece.toString('latin1', at);
  }
  const end = rest ?? findBase64(header);
  const last = end === undefined ? undefined : decodeBase64(end);
  if (!last) throw malformed();
  return decoded.end(last);
}

/** Where the bytes go: room for as many as are expected, and for more where more come. */
function createTarget({ maxBytes, expectedBytes }: { maxBytes: number; expectedBytes: number }) {
  let bytes = Buffer.allocUnsafeSlow(Math.min(expectedBytes, maxBytes));
  let size = 0;

  function makeRoom(more: number): void {
    const needed = size + more;
    if (needed > maxBytes) throw overfull();
    if (needed <= bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.min(maxBytes, Math.max(needed, 2 * bytes.length)));
    bytes.copy(larger, 0, 0, size);
    bytes = larger;
  }

  return {
    /** Groups of four without padding: whatever Node's decoder skips makes the result too short. */
    add(base64: string): void {
      const length = (base64.length / 4) * 3;
      makeRoom(length);
      if (bytes.write(base64, size, 'base64') !== length) throw malformed();
      size += length;
    },
    end(last: Buffer): Buffer {
      makeRoom(last.length);
      last.copy(bytes, size);
      return bytes.subarray(0, size + last.length);
    },
  };
}

/**
 * The bytes of strict base64 (RFC 4648 section 4: padded, no blanks, no stray bits), or nothing. Node's decoder skips
 * what it does not know, so the answer counts only if it encodes to the same text again; a megabyte takes about 1 ms.
 */
export function decodeBase64(text: string): Buffer | undefined {
  if (text.length % 4 !== 0) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

function findBase64(text: string): string | undefined {
  const start = text.slice(0, longestHeader);
  const comma = start.indexOf(',');
  const header = (comma < 0 ? start : start.slice(0, comma)).toLowerCase();
  if (comma < 0) return text.length === 5 && header === 'data:' ? '' : undefined;
  return header.startsWith('data:') && header.endsWith(';base64') ? text.slice(comma + 1) : undefined;
}

const malformed = (): Error => invalid('invalid_data_url', 'This is not a data URL with base64 data.');
const overfull = (): Error => tooLarge('data_too_large', 'This file is too large.');
