// A short look into the index of an MP4 file (ISO/IEC 14496-12): which tracks it says it has. Whether that is true is seen later.

import { open, type FileHandle } from 'node:fs/promises';

export interface IndexedTrack {
  /** Its number in the file. */
  index: number;
  kind: 'picture' | 'sound' | 'other';
  /** Of the first sample description, e.g. `avc1`. */
  format: string;
  /** Sound in AAC-LC, of two channels. */
  isStereoAac: boolean;
  /** 0 in files that are written in fragments. */
  seconds: number;
}

interface Box {
  type: string;
  body: Buffer;
}

const HEADER = 8;
/** Boxes before the index; files that are served have a handful. */
const MOST_BOXES = 32;
/** In one parent: a file that may be published has 64 tracks, and few boxes beside them. */
const MOST_CHILDREN = 128;
/** That of an hour has about 2 MB. */
const LARGEST_INDEX = 16 * 1024 ** 2;
const [ES_DESCRIPTOR, DECODER_CONFIG, DECODER_SPECIFIC] = [3, 4, 5];
const AAC_LC = 2;
const KINDS: Record<string, IndexedTrack['kind']> = { vide: 'picture', soun: 'sound' };

/** Undefined: there is none, or nothing to make sense of. */
export async function readMovieIndex(path: string): Promise<IndexedTrack[] | undefined> {
  await using file = await open(path, 'r');
  const movie = await findMovie(file);
  try {
    const tracks = movie && listBoxes(movie).filter(({ type }) => type === 'trak');
    return tracks?.map(({ body }, index) => ({ index, ...readTrack(body) }));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

async function findMovie(file: FileHandle): Promise<Buffer | undefined> {
  const header = Buffer.alloc(2 * HEADER);
  let at = 0;
  for (let box = 0; box < MOST_BOXES; box += 1) {
    const { bytesRead } = await file.read(header, 0, header.length, at);
    if (bytesRead < header.length) return undefined;
    const short = header.readUInt32BE(0);
    const length = short === 1 ? Number(header.readBigUInt64BE(HEADER)) : short;
    if (length < HEADER) return undefined;
    if (header.toString('latin1', 4, 8) === 'moov') {
      if (short === 1 || length > LARGEST_INDEX) return undefined;
      const movie = Buffer.alloc(length - HEADER);
      const read = await file.read(movie, 0, movie.length, at + HEADER);
      return read.bytesRead === movie.length ? movie : undefined;
    }
    at += length;
  }
  return undefined;
}

/** Throws RangeError where there are so many that to read them would keep this process from all else. */
function listBoxes(parent: Buffer): Box[] {
  const boxes: Box[] = [];
  let at = 0;
  while (at + HEADER <= parent.length) {
    const length = parent.readUInt32BE(at);
    if (length < HEADER || at + length > parent.length) break;
    if (boxes.length === MOST_CHILDREN) throw new RangeError('There are too many boxes.');
    boxes.push({
      type: parent.toString('latin1', at + 4, at + HEADER),
      body: parent.subarray(at + HEADER, at + length),
    });
    at += length;
  }
  return boxes;
}

/** An empty box where there is none: reading from it throws RangeError. */
const child = (parent: Buffer, type: string): Buffer =>
  listBoxes(parent).find((box) => box.type === type)?.body ?? Buffer.alloc(0);

function readTrack(track: Buffer): Omit<IndexedTrack, 'index'> {
  const media = child(track, 'mdia');
  const header = child(media, 'mdhd');
  const long = header.readUInt8(0) === 1;
  const timescale = header.readUInt32BE(long ? 20 : 12);
  const duration = long ? Number(header.readBigUInt64BE(24)) : header.readUInt32BE(16);
  const handler = child(media, 'hdlr').toString('latin1', 8, 12);
  const descriptions = child(child(child(media, 'minf'), 'stbl'), 'stsd');
  return {
    kind: KINDS[handler] ?? 'other',
    format: descriptions.toString('latin1', 12, 16),
    isStereoAac: isStereoAac(descriptions),
    seconds: timescale > 0 ? duration / timescale : 0,
  };
}

/** By the AudioSpecificConfig (ISO/IEC 14496-3) in the descriptors of `esds` (14496-1). What the sample entry says of channels is often made up. */
function isStereoAac(descriptions: Buffer): boolean {
  const box = descriptions.indexOf('esds');
  if (box < 0) return false;
  let at = box + HEADER;
  /** Goes past the descriptor's tag and its length, of up to four bytes. */
  const enter = (tag: number): boolean => {
    if (descriptions.readUInt8(at) !== tag) return false;
    at += 1;
    while (descriptions.readUInt8(at) & 0x80) at += 1;
    at += 1;
    return true;
  };
  if (!enter(ES_DESCRIPTOR)) return false;
  at += 3;
  if (!enter(DECODER_CONFIG)) return false;
  at += 13;
  if (!enter(DECODER_SPECIFIC)) return false;
  const config = descriptions.readUInt16BE(at);
  return config >> 11 === AAC_LC && ((config >> 3) & 0xf) === 2;
}
