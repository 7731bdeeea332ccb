// What is done to fragmented MP4 (ISO/IEC 14496-12): reading which H.264 an init segment declares, blanking what the muxer
// signed it with, and seeing whether a file was written to its end.

import { open } from 'node:fs/promises';

const AVC_CONFIGURATION = 'avcC';
/** In an `avc1` sample entry the compressor's name is a field of 32 bytes, 42 bytes after the box type. */
const COMPRESSOR = { from: 46, length: 32 };
const BOX_HEADER = 8;

/** RFC 6381, e.g. `avc1.64001F`; undefined if there is no AVC configuration. */
export function readVideoCodec(init: Buffer): string | undefined {
  const at = init.indexOf(AVC_CONFIGURATION);
  if (at < 0 || at + BOX_HEADER > init.length) return undefined;
  // After the type: version, profile, compatibility, level.
  return `avc1.${init.toString('hex', at + 5, at + 8).toUpperCase()}`;
}

/** Same length, same boxes: user data becomes free space and the compressor's name empty. */
export function blankSignatures(init: Buffer): Buffer {
  const blank = Buffer.from(init);
  const entry = blank.indexOf('avc1', blank.indexOf('stsd'));
  if (entry >= 0) blank.fill(0, entry + COMPRESSOR.from, entry + COMPRESSOR.from + COMPRESSOR.length);
  const userData = blank.lastIndexOf('udta');
  if (userData < 4) return blank;
  const size = blank.readUInt32BE(userData - 4);
  const end = userData - 4 + size;
  if (size < BOX_HEADER || end > blank.length) return blank;
  blank.write('free', userData, 'latin1');
  blank.fill(0, userData + 4, end);
  return blank;
}

/** Whether the file's boxes fill it exactly. Some builds of ffmpeg end well though the disk was full, and leave half a file. */
export async function isWhole(path: string): Promise<boolean> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  const header = Buffer.alloc(2 * BOX_HEADER);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await file.read(header, 0, header.length, at);
    if (bytesRead < BOX_HEADER) return false;
    const short = header.readUInt32BE(0);
    const length = short === 1 ? Number(header.readBigUInt64BE(BOX_HEADER)) : short;
    if (length < BOX_HEADER) return false;
    at += length;
  }
  return size > 0 && at === size;
}
