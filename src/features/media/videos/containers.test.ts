import { describe, expect, test } from 'vitest';
import { sniffVideo } from './containers.ts';

const bytes = (...parts: (string | number[])[]): Buffer =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
  );

function transportStream(length: number, sync: number): Buffer {
  const stream = Buffer.alloc(length * 6, 0x11);
  for (let packet = 0; packet < 6; packet += 1) stream[packet * length + sync] = 0x47;
  return stream;
}

const ASF = [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, 0xa6, 0xd9, 0x00, 0xaa, 0x00, 0x62, 0xce, 0x6c];
const MATROSKA = [0x1a, 0x45, 0xdf, 0xa3, 0x9f, 0x42, 0x82];

describe('sniffing a container', () => {
  test.each([
    ['mp4', 'mov', bytes([0, 0, 0, 0x20], 'ftypisom', [0, 0, 2, 0], 'isomiso2avc1mp41')],
    ['m4v', 'mov', bytes([0, 0, 0, 0x20], 'ftypM4V ', [0, 0, 2, 0], 'isomiso2')],
    ['mov', 'mov', bytes([0, 0, 0, 0x14], 'ftypqt  ', [0, 0, 2, 0], 'qt  ')],
    ['mov', 'mov', bytes([0, 0, 0, 8], 'wide', [0, 1, 0, 0], 'mdat')],
    ['mov', 'mov', bytes([0, 0, 0, 1], 'mdat', [0, 0, 0, 1, 0, 0, 0, 0])],
    ['3gp', 'mov', bytes([0, 0, 0, 0x18], 'ftyp3gp5', [0, 0, 1, 0], '3gp5')],
    ['mkv', 'matroska', bytes(MATROSKA, [0x88], 'matroska')],
    ['webm', 'matroska', bytes(MATROSKA, [0x84], 'webm')],
    ['avi', 'avi', bytes('RIFF', [1, 2, 3, 4], 'AVI LIST')],
    ['wmv', 'asf', bytes(ASF)],
    ['flv', 'flv', bytes('FLV', [1, 5, 0, 0, 0, 9])],
    ['ogv', 'ogg', bytes('OggS', [0, 2, 0, 0])],
    ['mpg', 'mpeg', bytes([0, 0, 1, 0xba, 0x44, 0, 4])],
    ['ts', 'mpegts', transportStream(188, 0)],
    ['ts', 'mpegts', transportStream(192, 4)],
  ])('knows %s (%s)', (extension, demuxer, head) => {
    expect(sniffVideo(head)).toMatchObject({ extension, demuxer });
  });

  test.each([
    ['nothing', bytes('')],
    ['a playlist', bytes('#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n')],
    ['a concat script', bytes("ffconcat version 1.0\nfile '/etc/passwd'\n")],
    ['a session description', bytes('v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n')],
    ['a DASH manifest', bytes('<?xml version="1.0"?><MPD></MPD>')],
    ['an SVG', bytes('<svg xmlns="http://www.w3.org/2000/svg">')],
    ['a PNG', bytes([0x89], 'PNG\r\n', [0x1a], '\n')],
    ['a WebP', bytes('RIFF', [1, 2, 3, 4], 'WEBPVP8 ')],
    ['a WAV', bytes('RIFF', [1, 2, 3, 4], 'WAVEfmt ')],
    ['a HEIC picture', bytes([0, 0, 0, 0x20], 'ftypheic', [0, 0, 0, 0], 'mif1heic')],
    ['an AVIF picture', bytes([0, 0, 0, 0x20], 'ftypavif', [0, 0, 0, 0], 'avifmif1')],
    ['text with an atom in it', bytes('textmoov and some more text')],
    ['text with a brand in it', bytes('textftypisom and some more text')],
    ['an EBML file of another kind', bytes(MATROSKA, [0x84], 'text')],
    ['a single sync byte', bytes('G'.repeat(3), 'o'.repeat(4000))],
  ])('refuses %s', (_, head) => {
    expect(sniffVideo(head)).toBeUndefined();
  });
});
