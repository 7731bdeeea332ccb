// Reads a fragmented MP4 (ISO/IEC 14496-12) of one track while it is being written.

import { open, type FileHandle } from 'node:fs/promises';
import { blankSignatures } from './fragments.ts';
import { damaged } from './problems.ts';

/** `moof` and `mdat` of one run of samples. */
export interface Fragment {
  seconds: number;
  longestSampleSeconds: number;
  bytes: Buffer;
  /** From the fragment's first byte to the end of its first sample. */
  firstSampleEnd: number;
  /** An instantaneous refresh that nothing shown before refers across: playing may begin here. Of H.264 alone. */
  independent: boolean;
}

export interface FragmentFile {
  /** Undefined until it is written. */
  init(): Buffer | undefined;
  /** Those that were finished since the last call. Throws VideoProblem where one is begun that is too large to be held. */
  read(): AsyncGenerator<Fragment>;
}

interface Sample {
  duration: number;
  size: number;
  offset: number;
}

/** What is encoded here stays far below; of a picture as it came, one group of half a minute and more may be as large. */
export const LARGEST_FRAGMENT = 64 * 1024 ** 2;
const IDR = 5;

export function openFragmentFile(path: string): FragmentFile {
  let position = 0;
  let init: Buffer | undefined;
  let head: Buffer = Buffer.alloc(0);
  let moof: Buffer | undefined;
  let timescale = 1;

  async function* readBoxes(file: FileHandle): AsyncGenerator<Fragment> {
    const { size } = await file.stat();
    for (;;) {
      const box = await readBox(file, { position, size });
      if (!box) return;
      position += box.length;
      const type = box.toString('latin1', 4, 8);
      if (type === 'ftyp') head = box;
      if (type === 'moov') {
        init = blankSignatures(Buffer.concat([head, box]));
        timescale = readTimescale(box);
      }
      if (type === 'moof') moof = box;
      if (type === 'mdat' && moof) {
        const bytes = Buffer.concat([moof, box]);
        yield toFragment(bytes, timescale);
        moof = undefined;
      }
    }
  }

  return {
    init: () => init,
    async *read() {
      const file = await open(path, 'r').catch(() => undefined);
      if (!file) return;
      try {
        yield* readBoxes(file);
      } finally {
        await file.close();
      }
    },
  };
}

/** Undefined until the whole box is there. */
async function readBox(
  file: FileHandle,
  { position, size }: { position: number; size: number },
): Promise<Buffer | undefined> {
  if (position + 8 > size) return undefined;
  const head = Buffer.alloc(8);
  if ((await file.read(head, 0, 8, position)).bytesRead < 8) return undefined;
  const length = head.readUInt32BE(0);
  if (length > LARGEST_FRAGMENT) throw damaged(new Error('A fragment is too large.'));
  // A length of zero is written over when that of the box is known.
  if (length < 8 || position + length > size) return undefined;
  const box = Buffer.alloc(length);
  const { bytesRead } = await file.read(box, 0, length, position);
  return bytesRead === length ? box : undefined;
}

function toFragment(bytes: Buffer, timescale: number): Fragment {
  const samples = readRun(bytes);
  const duration = samples.reduce((sum, sample) => sum + sample.duration, 0);
  const longest = samples.reduce((most, sample) => Math.max(most, sample.duration), 0);
  const dataStart = bytes.readUInt32BE(0) + 8;
  const firstSampleEnd = Math.min(bytes.length, dataStart + (samples[0]?.size ?? 0));
  const first = bytes.subarray(dataStart, firstSampleEnd);
  return {
    seconds: duration / timescale,
    longestSampleSeconds: longest / timescale,
    bytes,
    firstSampleEnd,
    independent: hasRefresh(first) && isShownFirst(samples),
  };
}

/** Of the only track's media header. */
function readTimescale(moov: Buffer): number {
  const at = moov.indexOf('mdhd') + 4;
  return Math.max(1, moov.readUInt32BE(at + (moov[at] === 1 ? 20 : 12)));
}

/** The samples of a `moof`, by its `tfhd` (defaults) and `trun`. */
function readRun(bytes: Buffer): Sample[] {
  const run = bytes.subarray(0, bytes.readUInt32BE(0)).indexOf('trun') + 4;
  if (run < 4) return [];
  const defaults = readDefaults(bytes);
  const [signed, flags] = [bytes[run] === 1, bytes.readUInt32BE(run) & 0xff_ff_ff];
  let at = run + 8 + (flags & 0x1 ? 4 : 0) + (flags & 0x4 ? 4 : 0);
  const field = (flag: number, fallback: number): number => {
    if (!(flags & flag)) return fallback;
    at += 4;
    return bytes.readUInt32BE(at - 4);
  };
  return Array.from({ length: bytes.readUInt32BE(run + 4) }, () => {
    const duration = field(0x100, defaults.duration);
    const size = field(0x200, defaults.size);
    field(0x400, 0);
    const offset = field(0x800, 0);
    return { duration, size, offset: signed ? offset | 0 : offset };
  });
}

function readDefaults(bytes: Buffer): { duration: number; size: number } {
  const header = bytes.indexOf('tfhd') + 4;
  const flags = bytes.readUInt32BE(header) & 0xff_ff_ff;
  let at = header + 8 + (flags & 0x1 ? 8 : 0) + (flags & 0x2 ? 4 : 0);
  const field = (flag: number): number => {
    if (!(flags & flag)) return 0;
    at += 4;
    return bytes.readUInt32BE(at - 4);
  };
  return { duration: field(0x8), size: field(0x10) };
}

/** Whether one of the sample's units, each after its length in four bytes, is an instantaneous refresh. */
function hasRefresh(sample: Buffer): boolean {
  let at = 0;
  while (at + 5 <= sample.length) {
    if (((sample[at + 4] ?? 0) & 0x1f) === IDR) return true;
    at += 4 + sample.readUInt32BE(at);
  }
  return false;
}

function isShownFirst(samples: Sample[]): boolean {
  let decoded = 0;
  return samples.every((sample) => {
    const shown = decoded + sample.offset;
    decoded += sample.duration;
    return shown >= (samples[0]?.offset ?? 0);
  });
}
