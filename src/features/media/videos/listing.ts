// From tracks and their segments to playlists. A player finds them at addresses that stay the same while they grow.

import type { Sound, Variant } from './master-playlist.ts';
import { measureBandwidth, writeIFramePlaylist, writeMediaPlaylist } from './playlists.ts';
import type { MadeSegment } from './segments.ts';
import type { StreamTrack } from './stream.ts';

export type ListedTrack = Omit<StreamTrack, 'early'> & { segments: readonly MadeSegment[]; whole: boolean };

export interface Rates {
  bandwidth: number;
  averageBandwidth: number;
  /** Peak of the pictures for quick search alone. */
  iFrameBandwidth: number;
}

export const MASTER = 'master.m3u8';
export const PLAYLIST = 'playlist.m3u8';
export const I_FRAMES = 'iframes.m3u8';

export function toMediaPlaylist({ segments, targetSeconds, whole }: Omit<ListedTrack, 'name'>): string {
  const listed = segments.map(({ file, init, seconds }) => ({ uri: file, init, seconds }));
  return writeMediaPlaylist({ targetSeconds, segments: listed, growing: !whole });
}

export function toIFramePlaylist({ segments }: { segments: readonly MadeSegment[] }): string {
  return writeIFramePlaylist(
    segments.flatMap(({ file, init, keys }) => keys.map((key) => ({ uri: file, init, ...key }))),
  );
}

/** From the segments as they are. */
export function measureRates(segments: readonly MadeSegment[]): Rates {
  const sized = segments.map(({ file, seconds, bytes }) => ({ uri: file, seconds, bytes }));
  const pictures = segments.flatMap(({ file, keys }) => keys.map((key) => ({ ...key, uri: file })));
  return { ...measureBandwidth(sized), iFrameBandwidth: measureBandwidth(pictures).bandwidth };
}

export function toVariant(track: ListedTrack): Variant {
  const { name, width, height, frameRate, codecs, whole } = track;
  const { bandwidth, averageBandwidth, iFrameBandwidth } = ratesOf(track);
  return {
    ...{ uri: `${name}/${PLAYLIST}`, bandwidth, averageBandwidth, width, height, frameRate, codecs },
    iFrames: whole ? { uri: `${name}/${I_FRAMES}`, bandwidth: iFrameBandwidth } : undefined,
  };
}

export function toSound(track: ListedTrack): Sound {
  const { bandwidth, averageBandwidth } = ratesOf(track);
  return { uri: `${track.name}/${PLAYLIST}`, bandwidth, averageBandwidth };
}

/** Of a track that grows nobody knows the peak to come. */
function ratesOf({ segments, whole, bandwidth }: ListedTrack): Rates {
  const rates = measureRates(segments);
  return whole ? rates : { ...rates, bandwidth: Math.max(bandwidth, rates.bandwidth) };
}
