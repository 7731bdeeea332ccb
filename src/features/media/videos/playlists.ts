// Media playlists (RFC 8216), whole and growing, and what is measured from the real segments.

export interface Segment {
  /** Relative to its playlist. */
  uri: string;
  seconds: number;
}

export interface SizedSegment extends Segment {
  bytes: number;
}

/** A piece of a track's file that is listed on its own. */
export interface ListedSegment extends Segment {
  /** Of the track's file from here on. */
  init: string;
}

export interface IFrame extends Segment {
  init: string;
  offset: number;
  bytes: number;
}

/** Undefined unless the playlist is complete (it has EXT-X-ENDLIST) and has a segment. */
export function readMediaPlaylist(text: string): Segment[] | undefined {
  const lines = text.split(/\r?\n/);
  const segments = lines.flatMap((line, place): Segment[] => {
    const seconds = Number(/^#EXTINF:([\d.]+)/.exec(line)?.[1]);
    const uri = lines.slice(place + 1).find((other) => other !== '' && !other.startsWith('#'));
    return Number.isFinite(seconds) && uri ? [{ uri, seconds }] : [];
  });
  return lines.includes('#EXT-X-ENDLIST') && segments.length > 0 ? segments : undefined;
}

/** One that grows is of the type EVENT: its beginning stays, and more is added at its end (RFC 8216, 4.3.3.5). */
export function writeMediaPlaylist(playlist: {
  targetSeconds: number;
  segments: ListedSegment[];
  growing?: boolean;
}): string {
  const { targetSeconds, segments, growing = false } = playlist;
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${Math.max(targetSeconds, targetDuration(segments))}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    `#EXT-X-PLAYLIST-TYPE:${growing ? 'EVENT' : 'VOD'}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
    ...withMaps(segments, ({ uri, seconds }) => [`#EXTINF:${seconds.toFixed(6)},`, uri]),
    ...(growing ? [] : ['#EXT-X-ENDLIST']),
    '',
  ].join('\n');
}

/** For quick search: the pictures alone that need no other (RFC 8216, 4.3.3.6). */
export function writeIFramePlaylist(frames: IFrame[]): string {
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${targetDuration(frames)}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    '#EXT-X-I-FRAMES-ONLY',
    ...withMaps(frames, ({ uri, seconds, offset, bytes }) => [
      `#EXTINF:${seconds.toFixed(6)},`,
      `#EXT-X-BYTERANGE:${bytes}@${offset}`,
      uri,
    ]),
    '#EXT-X-ENDLIST',
    '',
  ].join('\n');
}

function withMaps<Listed extends ListedSegment>(
  segments: readonly Listed[],
  write: (segment: Listed) => string[],
): string[] {
  return segments.flatMap((segment, place) => {
    const same = place > 0 && segments[place - 1]?.init === segment.init;
    return [...(same ? [] : [`#EXT-X-MAP:URI="${segment.init}"`]), ...write(segment)];
  });
}

/** Bits a second: the peak over every run of segments that lasts 0.5 to 1.5 target durations (RFC 8216, 4.1), and the mean. */
export function measureBandwidth(segments: SizedSegment[]): { bandwidth: number; averageBandwidth: number } {
  const mean = rate(
    segments.reduce((sum, { bytes }) => sum + bytes, 0),
    totalSeconds(segments),
  );
  const target = targetDuration(segments);
  let peak = mean;
  for (let from = 0; from < segments.length; from += 1) {
    let [bytes, seconds] = [0, 0];
    for (let to = from; to < segments.length && seconds <= 1.5 * target; to += 1) {
      bytes += segments[to]?.bytes ?? 0;
      seconds += segments[to]?.seconds ?? 0;
      if (seconds >= 0.5 * target && seconds <= 1.5 * target) peak = Math.max(peak, rate(bytes, seconds));
    }
  }
  return { bandwidth: Math.ceil(peak), averageBandwidth: Math.ceil(mean) };
}

export const totalSeconds = (segments: readonly Segment[]): number =>
  segments.reduce((sum, segment) => sum + segment.seconds, 0);

/** At least 1: players poll and buffer by it. */
export function targetDuration(segments: readonly Segment[]): number {
  return segments.reduce((most, { seconds }) => Math.max(most, Math.round(seconds)), 1);
}

const rate = (bytes: number, seconds: number): number => (8 * bytes) / Math.max(seconds, 0.001);
