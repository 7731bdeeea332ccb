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
 * The same for a data URL that comes in as a stream, decoded piece by piece so that neither its text nor its bytes are ever
 * whole in memory. An empty one is fine. Fails as `readDataUrl` does. What it yields is good until the next is asked for.
 */
export async function* decodeDataUrl(
  text: AsyncIterable<Buffer>,
  { maxBytes }: { maxBytes: number },
): AsyncGenerator<Buffer, void> {
  const decoder = createDecoder(maxBytes);
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
      // All but the last group, or what is begun of it.
      const end = piece.length - ((rest.length + piece.length - at) % 4 || 4);
      yield decoder.decode(rest + piece.toString('latin1', at, end));
      rest = '';
      at = end;
    }
    rest += piece.toString('latin1', at);
  }
  const end = rest ?? findBase64(header);
  const last = end === undefined ? undefined : decodeBase64(end);
  if (!last) throw malformed();
  decoder.count(last.length);
  yield last;
}

/** Bounded in all; every piece is decoded into the same memory. */
function createDecoder(maxBytes: number) {
  let bytes = Buffer.alloc(0);
  let size = 0;

  function count(more: number): void {
    size += more;
    if (size > maxBytes) throw overfull();
  }

  return {
    count,
    /** Groups of four without padding: whatever Node's decoder skips makes the result too short. */
    decode(base64: string): Buffer {
      const length = (base64.length / 4) * 3;
      count(length);
      if (bytes.length < length) bytes = Buffer.allocUnsafeSlow(length);
      if (bytes.write(base64, 'base64') !== length) throw malformed();
      return bytes.subarray(0, length);
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
