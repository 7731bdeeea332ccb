// HLS playlists (RFC 8216): reads the ones ffmpeg wrote, measures rates from the real segments, writes our own.

export interface Segment {
  /** Relative to its playlist. */
  uri: string;
  seconds: number;
}

export interface SizedSegment extends Segment {
  bytes: number;
}

export interface Variant {
  /** Relative to the master playlist. */
  uri: string;
  bandwidth: number;
  averageBandwidth: number;
  width: number;
  height: number;
  /** Frames a second. */
  frameRate: number;
  codecs: string;
}

/** Undefined unless the playlist is complete (it has EXT-X-ENDLIST) and has a segment. */
export function readMediaPlaylist(text: string): Segment[] | undefined {
  const lines = text.split(/\r?\n/);
  const segments = lines.flatMap((line, place): Segment[] => {
    const seconds = Number(/^#EXTINF:([\d.]+)/.exec(line)?.[1]);
    const uri = lines[place + 1];
    return Number.isFinite(seconds) && uri ? [{ uri, seconds }] : [];
  });
  return lines.includes('#EXT-X-ENDLIST') && segments.length > 0 ? segments : undefined;
}

export function writeMediaPlaylist(playlist: { init: string; segments: Segment[] }): string {
  const { init, segments } = playlist;
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${targetDuration(segments)}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    `#EXT-X-MAP:URI="${init}"`,
    ...segments.flatMap(({ uri, seconds }) => [`#EXTINF:${seconds.toFixed(6)},`, uri]),
    '#EXT-X-ENDLIST',
    '',
  ].join('\n');
}

export function writeMasterPlaylist(variants: Variant[]): string {
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    ...variants.flatMap((variant) => [`#EXT-X-STREAM-INF:${attributes(variant)}`, variant.uri]),
    '',
  ].join('\n');
}

/** Bits a second: the peak over every run of segments that lasts 0.5 to 1.5 target durations (RFC 8216, 4.1), and the mean. */
export function measureBandwidth(segments: SizedSegment[]): { bandwidth: number; averageBandwidth: number } {
  const mean = rate(segments);
  const target = targetDuration(segments);
  let peak = mean;
  for (let from = 0; from < segments.length; from += 1) {
    let seconds = 0;
    for (let to = from; to < segments.length && seconds <= 1.5 * target; to += 1) {
      seconds += segments[to]?.seconds ?? 0;
      if (seconds >= 0.5 * target && seconds <= 1.5 * target)
        peak = Math.max(peak, rate(segments.slice(from, to + 1)));
    }
  }
  return { bandwidth: Math.ceil(peak), averageBandwidth: Math.ceil(mean) };
}

export const totalSeconds = (segments: Segment[]): number =>
  segments.reduce((sum, segment) => sum + segment.seconds, 0);

/** At least 1: players poll and buffer by it. */
function targetDuration(segments: Segment[]): number {
  return Math.max(1, ...segments.map((segment) => Math.round(segment.seconds)));
}

function rate(segments: SizedSegment[]): number {
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  return (8 * bytes) / Math.max(totalSeconds(segments), 0.001);
}

function attributes(variant: Variant): string {
  return [
    `BANDWIDTH=${variant.bandwidth}`,
    `AVERAGE-BANDWIDTH=${variant.averageBandwidth}`,
    `RESOLUTION=${variant.width}x${variant.height}`,
    `CODECS="${variant.codecs}"`,
    `FRAME-RATE=${variant.frameRate.toFixed(3)}`,
  ].join(',');
}
