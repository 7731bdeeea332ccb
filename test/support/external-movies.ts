// A QuickTime movie whose samples are in another file, named by a Macintosh alias or an address in its data reference: a
// way to publish files of the server, if whoever opens the movie follows it.

import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sourceArguments } from '../../src/features/media/videos/source-arguments.ts';
import { defaultVideoLimits } from '../../src/features/media/videos/limits.ts';
import { makeVideo, testFfmpeg } from './videos.ts';

const run = promisify(execFile);
const PARENTS = ['moov', 'trak', 'mdia', 'minf', 'dinf', 'dref'];

export interface ExternalMovie {
  path: string;
  countFramesWhenFollowed(): Promise<number>;
  countFramesAsWeOpenIt(): Promise<number>;
}

/** By an alias, unless the address to refer to is given. */
export async function makeExternalMovie(directory: string, address?: string): Promise<ExternalMovie> {
  const secret = await makeVideo({ directory, name: 'secret.mov', seconds: 1, sound: 'none' });
  const path = join(directory, 'external.mov');
  const reference = address === undefined ? alias(secret) : url(address);
  await writeFile(path, redirect(await readFile(secret), reference));
  const container = {
    container: 'quicktime',
    demuxer: 'mov',
    extension: 'mov',
    mimeType: 'video/quicktime',
  } as const;
  return {
    path,
    countFramesWhenFollowed: () => countFrames(['-enable_drefs', '1', '-use_absolute_path', '1', '-i', path]),
    countFramesAsWeOpenIt: () =>
      countFrames(sourceArguments({ source: path, container, limits: defaultVideoLimits })),
  };
}

/** Empties the media data and puts `reference` in place of the one to the file itself. The index is last, so no offset moves. */
function redirect(movie: Buffer, reference: Buffer): Buffer {
  const data = movie.indexOf('mdat');
  movie.fill(0, data + 4, movie.lastIndexOf('moov') - 4);
  let at = 0;
  const grown = reference.length - 12;
  for (const parent of PARENTS) {
    at = movie.indexOf(parent, at);
    movie.writeUInt32BE(movie.readUInt32BE(at - 4) + grown, at - 4);
  }
  // After the type: version, number of entries, and one entry of twelve bytes.
  const entry = at + 12;
  return Buffer.concat([movie.subarray(0, entry), reference, movie.subarray(entry + 12)]);
}

/** As QuickTime wrote them: a fixed part with volume and file name, then the absolute path as record 2, then the end. */
function alias(target: string): Buffer {
  const record = Buffer.alloc(2 + 2 + target.length + (target.length % 2));
  record.writeUInt16BE(2, 0);
  record.writeUInt16BE(target.length, 2);
  record.write(target, 4, 'latin1');
  const fixed = Buffer.alloc(10 + 28 + 12 + 64 + 16 + 4 + 16);
  fixed.writeUInt16BE(1, 10 + 28 + 12 + 64 + 16);
  fixed.writeUInt16BE(1, 10 + 28 + 12 + 64 + 18);
  const end = Buffer.from([0xff, 0xff, 0, 0]);
  return atom('alis', Buffer.concat([Buffer.alloc(4), fixed, record, end]));
}

const url = (address: string): Buffer => atom('url ', Buffer.from(`\0\0\0\0${address}\0`, 'latin1'));

function atom(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length, 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
}

async function countFrames(input: string[]): Promise<number> {
  const { ffmpeg } = await testFfmpeg();
  const args = ['-v', 'error', '-nostats', '-progress', 'pipe:1', ...input, '-f', 'null', '-'];
  const { stdout } = await run(ffmpeg, args).catch(() => ({ stdout: '' }));
  return Number([...stdout.matchAll(/^frame=\s*(\d+)/gm)].at(-1)?.[1] ?? 0);
}
