// The master playlist (RFC 8216, 4.3.4): sound as a group of its own that all renditions share, a variant without picture,
// captions, and the pictures for quick search.

export interface Variant {
  /** Relative to the master playlist, as all addresses here. */
  uri: string;
  /** bit/s of the picture alone. */
  bandwidth: number;
  averageBandwidth: number;
  width: number;
  height: number;
  /** Frames a second. */
  frameRate: number;
  codecs: string;
  iFrames?: { uri: string; bandwidth: number } | undefined;
}

export interface Sound {
  uri: string;
  bandwidth: number;
  averageBandwidth: number;
}

export interface Captions {
  uri: string;
  /** BCP 47 */
  language: string;
  label: string;
}

export interface MasterPlaylist {
  /** Smallest first. */
  variants: Variant[];
  sound?: Sound | undefined;
  captions?: Captions[];
}

export const SOUND_CODEC = 'mp4a.40.2';
const SOUND_GROUP = 'sound';
const CAPTIONS_GROUP = 'captions';

export function writeMasterPlaylist({ variants, sound, captions = [] }: MasterPlaylist): string {
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    ...(sound ? [`#EXT-X-MEDIA:${join(soundAttributes(sound))}`] : []),
    ...nameApart(captions).map((track) => `#EXT-X-MEDIA:${join(captionsAttributes(track))}`),
    ...variants.flatMap((variant) => [
      `#EXT-X-STREAM-INF:${join([...pictureAttributes(variant, sound), ...groups(sound, captions)])}`,
      variant.uri,
    ]),
    ...(sound
      ? [`#EXT-X-STREAM-INF:${join([...soundOnly(sound), ...groups(sound, captions)])}`, sound.uri]
      : []),
    ...variants.flatMap((variant) => (variant.iFrames ? [iFrameLine(variant, variant.iFrames)] : [])),
    '',
  ].join('\n');
}

function pictureAttributes(variant: Variant, sound: Sound | undefined): string[] {
  return [
    `BANDWIDTH=${variant.bandwidth + (sound?.bandwidth ?? 0)}`,
    `AVERAGE-BANDWIDTH=${variant.averageBandwidth + (sound?.averageBandwidth ?? 0)}`,
    `RESOLUTION=${variant.width}x${variant.height}`,
    `CODECS="${sound ? `${variant.codecs},${SOUND_CODEC}` : variant.codecs}"`,
    `FRAME-RATE=${variant.frameRate.toFixed(3)}`,
  ];
}

const soundOnly = ({ bandwidth, averageBandwidth }: Sound): string[] => [
  `BANDWIDTH=${bandwidth}`,
  `AVERAGE-BANDWIDTH=${averageBandwidth}`,
  `CODECS="${SOUND_CODEC}"`,
];

const soundAttributes = ({ uri }: Sound): string[] => [
  'TYPE=AUDIO',
  `GROUP-ID="${SOUND_GROUP}"`,
  'NAME="Sound"',
  'DEFAULT=YES',
  'AUTOSELECT=YES',
  'CHANNELS="2"',
  `URI="${uri}"`,
];

/** No two of a group have the same name (4.3.4.1.1); their languages differ. */
function nameApart(captions: readonly Captions[]): Captions[] {
  const names = new Set<string>();
  return captions.map((track) => {
    const isShared = captions.some((other) => other !== track && other.label === track.label);
    let label = isShared ? `${track.label} (${track.language})` : track.label;
    while (names.has(label)) label += ` (${track.language})`;
    names.add(label);
    return { ...track, label };
  });
}

const captionsAttributes = ({ uri, language, label }: Captions): string[] => [
  'TYPE=SUBTITLES',
  `GROUP-ID="${CAPTIONS_GROUP}"`,
  `NAME="${label}"`,
  `LANGUAGE="${language}"`,
  'DEFAULT=NO',
  'AUTOSELECT=YES',
  `URI="${uri}"`,
];

const groups = (sound: Sound | undefined, captions: Captions[]): string[] => [
  ...(sound ? [`AUDIO="${SOUND_GROUP}"`] : []),
  ...(captions.length > 0 ? [`SUBTITLES="${CAPTIONS_GROUP}"`] : []),
];

function iFrameLine(variant: Variant, iFrames: { uri: string; bandwidth: number }): string {
  const attributes = [
    `BANDWIDTH=${iFrames.bandwidth}`,
    `RESOLUTION=${variant.width}x${variant.height}`,
    `CODECS="${variant.codecs}"`,
    `URI="${iFrames.uri}"`,
  ];
  return `#EXT-X-I-FRAME-STREAM-INF:${join(attributes)}`;
}

const join = (attributes: string[]): string => attributes.join(',');
