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
 * An empty one is fine. Fails as `readDataUrl` does.
 */
export async function decodeDataUrl(
  text: AsyncIterable<Buffer>,
  { maxBytes }: { maxBytes: number },
): Promise<Buffer> {
  const decoded: Buffer[] = [];
  let size = 0;
  let rest = '';
  let inData = false;
  const take = (base64: string): void => {
    const bytes = decodePiece(base64);
    size += bytes.length;
    if (size > maxBytes) throw overfull();
    decoded.push(bytes);
  };
  for await (const piece of text) {
    rest += piece.toString('latin1');
    if (!inData) {
      if (!rest.includes(',') && rest.length < longestHeader) continue;
      const base64 = findBase64(rest);
      if (base64 === undefined) throw malformed();
      rest = base64;
      inData = true;
    }
    // Whole groups of four, but for the last, which alone may be padded.
    const whole = Math.max(0, rest.length - 1 - ((rest.length - 1) % 4));
    if (whole > 0) take(rest.slice(0, whole));
    rest = rest.slice(whole);
  }
  if (!inData) {
    const base64 = findBase64(rest);
    if (base64 === undefined) throw malformed();
    rest = base64;
  }
  const last = decodeBase64(rest);
  if (!last) throw malformed();
  decoded.push(last);
  if (size + last.length > maxBytes) throw overfull();
  return Buffer.concat(decoded);
}

/** Groups of four without padding: whatever Node's decoder skips makes the result too short. */
function decodePiece(base64: string): Buffer {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length !== (base64.length / 4) * 3) throw malformed();
  return bytes;
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
