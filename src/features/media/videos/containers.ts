// Which container a file is, by its first bytes alone. An allow-list: playlists, scripts, pictures and text are not on it,
// and ffmpeg never guesses, because it is always told the demuxer found here.

export type Demuxer = 'mov' | 'matroska' | 'avi' | 'asf' | 'mpegts' | 'mpeg' | 'flv' | 'ogg';

export interface VideoContainer {
  container:
    | 'mp4'
    | 'quicktime'
    | '3gp'
    | 'matroska'
    | 'webm'
    | 'avi'
    | 'asf'
    | 'mpegts'
    | 'mpegps'
    | 'flv'
    | 'ogg';
  demuxer: Demuxer;
  extension: 'mp4' | 'm4v' | 'mov' | '3gp' | 'mkv' | 'webm' | 'avi' | 'wmv' | 'ts' | 'mpg' | 'flv' | 'ogv';
  mimeType: string;
}

/** So many bytes of a file's start are enough for sniffVideo. */
export const SNIFF_BYTES = 4096;

const ASF_HEADER = '3026b2758e66cf11a6d900aa0062ce6c';
const MATROSKA_HEADER = '1a45dfa3';
const TS_SYNC = 0x47;
/** Plain and with the time stamps of camcorders: packet length and where the sync byte stands in it. */
const TS_LAYOUTS = [
  { length: 188, sync: 0 },
  { length: 192, sync: 4 },
];
const PICTURE_BRANDS = /^(?:hei[cfmsx]|hev[cx]|avi[fs]|mif1|msf1|crx |jp2 |jpx |jxl )$/;
const QUICKTIME_ATOMS = new Set(['moov', 'mdat', 'free', 'skip', 'wide', 'pnot']);

const MP4: VideoContainer = { container: 'mp4', demuxer: 'mov', extension: 'mp4', mimeType: 'video/mp4' };
const QUICKTIME: VideoContainer = {
  container: 'quicktime',
  demuxer: 'mov',
  extension: 'mov',
  mimeType: 'video/quicktime',
};

/** `head` is the file's beginning, at least SNIFF_BYTES of it or all. Undefined: not a kind of video that is taken. */
export function sniffVideo(head: Uint8Array): VideoContainer | undefined {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const hex = bytes.toString('hex', 0, 16);
  const text = bytes.toString('latin1', 0, 16);
  if (hex.startsWith(MATROSKA_HEADER)) return sniffMatroska(bytes);
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'AVI ') {
    return { container: 'avi', demuxer: 'avi', extension: 'avi', mimeType: 'video/x-msvideo' };
  }
  if (hex.startsWith(ASF_HEADER))
    return { container: 'asf', demuxer: 'asf', extension: 'wmv', mimeType: 'video/x-ms-wmv' };
  if (text.startsWith('FLV\x01'))
    return { container: 'flv', demuxer: 'flv', extension: 'flv', mimeType: 'video/x-flv' };
  if (text.startsWith('OggS\0'))
    return { container: 'ogg', demuxer: 'ogg', extension: 'ogv', mimeType: 'video/ogg' };
  if (hex.startsWith('000001ba'))
    return { container: 'mpegps', demuxer: 'mpeg', extension: 'mpg', mimeType: 'video/mpeg' };
  return sniffIsoMedia(bytes) ?? sniffTransportStream(bytes);
}

function sniffIsoMedia(bytes: Buffer): VideoContainer | undefined {
  if (bytes.length < 16) return undefined;
  const size = bytes.readUInt32BE(0);
  const atom = bytes.toString('latin1', 4, 8);
  if (atom === 'ftyp')
    return size >= 16 && size <= SNIFF_BYTES ? byBrand(bytes.toString('latin1', 8, 12)) : undefined;
  // Old QuickTime files have no brand. A size that reads as four letters is text that happens to say `moov`.
  const plausible = size === 1 || (size >= 8 && size < 0x20_00_00_00) || (size === 0 && atom === 'mdat');
  return QUICKTIME_ATOMS.has(atom) && plausible ? QUICKTIME : undefined;
}

function byBrand(brand: string): VideoContainer | undefined {
  if (PICTURE_BRANDS.test(brand)) return undefined;
  if (brand === 'qt  ') return QUICKTIME;
  if (brand.startsWith('3g'))
    return { container: '3gp', demuxer: 'mov', extension: '3gp', mimeType: 'video/3gpp' };
  if (brand.startsWith('M4V')) return { ...MP4, extension: 'm4v' };
  return MP4;
}

function sniffMatroska(bytes: Buffer): VideoContainer | undefined {
  // The document type stands in the EBML header, which is short.
  const header = bytes.toString('latin1', 0, 128);
  if (header.includes('webm'))
    return { container: 'webm', demuxer: 'matroska', extension: 'webm', mimeType: 'video/webm' };
  if (!header.includes('matroska')) return undefined;
  return { container: 'matroska', demuxer: 'matroska', extension: 'mkv', mimeType: 'video/x-matroska' };
}

function sniffTransportStream(bytes: Buffer): VideoContainer | undefined {
  for (const { length, sync } of TS_LAYOUTS) {
    const places = [0, 1, 2, 3, 4].map((packet) => packet * length + sync);
    if (places.every((place) => bytes[place] === TS_SYNC)) {
      return { container: 'mpegts', demuxer: 'mpegts', extension: 'ts', mimeType: 'video/mp2t' };
    }
  }
  return undefined;
}
