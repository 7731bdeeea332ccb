// A HEIC file as an iPhone's pictures are: one picture in HEVC, coded by ffmpeg, in the smallest container that holds it
// (ISO/IEC 23008-12).
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findTools } from './tools.ts';

const run = promisify(execFile);

export async function makeHeic(width: number, height: number): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'veranda-heic-'));
  try {
    const path = join(folder, 'one.mp4');
    const source = ['-f', 'lavfi', '-i', `testsrc2=size=${width}x${height}`, '-frames:v', '1'];
    const coded = [
      '-c:v',
      'libx265',
      '-pix_fmt',
      'yuv420p',
      '-x265-params',
      'log-level=none',
      '-tag:v',
      'hvc1',
    ];
    await run(findTools().ffmpeg, ['-v', 'error', ...source, ...coded, path]);
    return pack({ film: await readFile(path), width, height });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function pack({ film, width, height }: { film: Buffer; width: number; height: number }): Buffer {
  const settings = cut(film, 'hvcC');
  const picture = cut(film, 'mdat').subarray(8);
  const type = box('ftyp', 'heic', u32(0), 'mif1heic');
  const metaFor = (at: number): Buffer =>
    box(
      'meta',
      u32(0),
      box('hdlr', u32(0, 0), 'pict', u32(0, 0, 0), '\0'),
      box('pitm', u32(0), u16(1)),
      // One item of one extent: its offset and length in four bytes each.
      box('iloc', u32(0), Buffer.from([0x44, 0x00]), u16(1), u16(1, 0, 1), u32(at, picture.length)),
      box('iinf', u32(0), u16(1), box('infe', u32(0x02000000), u16(1, 0), 'hvc1', '\0')),
      box(
        'iprp',
        box('ipco', settings, box('ispe', u32(0, width, height))),
        box('ipma', u32(0, 1), u16(1), Buffer.from([2, 0x81, 0x02])),
      ),
    );
  const start = type.length + metaFor(0).length + 8;
  return Buffer.concat([type, metaFor(start), box('mdat', picture)]);
}

/** The first box of this name, wherever it lies. */
function cut(film: Buffer, name: string): Buffer {
  const at = film.indexOf(name) - 4;
  return film.subarray(at, at + film.readUInt32BE(at));
}

function box(name: string, ...parts: (Buffer | string)[]): Buffer {
  const body = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  );
  return Buffer.concat([u32(body.length + 8), Buffer.from(name), body]);
}

const u32 = (...values: number[]): Buffer =>
  Buffer.from(values.flatMap((value) => [24, 16, 8, 0].map((by) => (value >>> by) & 0xff)));
const u16 = (...values: number[]): Buffer =>
  Buffer.from(values.flatMap((value) => [value >> 8, value & 0xff]));
