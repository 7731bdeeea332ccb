import { describe, expect, test } from 'vitest';
import { measureBandwidth, readMediaPlaylist, writeIFramePlaylist, writeMediaPlaylist } from './playlists.ts';

const segment = (seconds: number, bytes: number) => ({ uri: 'x.m4s', seconds, bytes });

describe('playlists', () => {
  test('a media playlist reads back as it was written', () => {
    const segments = [
      { uri: 'segment-00000.m4s', seconds: 4.004 },
      { uri: 'segment-00001.m4s', seconds: 0.5 },
    ];
    const init = 'init.mp4';
    const text = writeMediaPlaylist({
      targetSeconds: 4,
      segments: segments.map((one) => ({ ...one, init })),
    });
    expect(text).toContain('#EXT-X-TARGETDURATION:4\n');
    expect(text).toContain('#EXT-X-PLAYLIST-TYPE:VOD\n');
    expect(text).toContain('#EXT-X-MAP:URI="init.mp4"\n');
    expect(text.endsWith('#EXT-X-ENDLIST\n')).toBe(true);
    expect(readMediaPlaylist(text)).toEqual(segments);
  });

  test('a playlist of one short segment still has a target duration', () => {
    const segments = [{ uri: 's', seconds: 0.04, init: 'i' }];
    expect(writeMediaPlaylist({ targetSeconds: 0, segments })).toContain('#EXT-X-TARGETDURATION:1\n');
  });

  test('one that grows says what no segment to come will be longer than, and has no end', () => {
    const segments = [{ uri: 's', seconds: 2, init: 'i' }];
    const text = writeMediaPlaylist({ targetSeconds: 4, segments, growing: true });
    expect(text).toContain('#EXT-X-TARGETDURATION:4\n');
    expect(text).toContain('#EXT-X-PLAYLIST-TYPE:EVENT\n');
    expect(text).not.toContain('ENDLIST');
    expect(readMediaPlaylist(text)).toBeUndefined();
  });

  test('where another run went on, its beginning is named before its first segment', () => {
    const segment = (uri: string, init: string) => ({ uri, seconds: 2, init });
    const segments = [segment('a-0', 'a'), segment('a-1', 'a'), segment('b-2', 'b'), segment('b-3', 'b')];
    const text = writeMediaPlaylist({ targetSeconds: 4, segments });
    expect(text.match(/#EXT-X-MAP.*|^[ab]-\d/gm)).toEqual([
      ...['#EXT-X-MAP:URI="a"', 'a-0', 'a-1', '#EXT-X-MAP:URI="b"', 'b-2', 'b-3'],
    ]);
  });

  test('pictures for quick search are ranges of the segments', () => {
    const frame = { uri: 's', init: 'i', seconds: 2 };
    const text = writeIFramePlaylist([
      { ...frame, offset: 0, bytes: 10 },
      { ...frame, offset: 90, bytes: 20 },
    ]);
    expect(text.match(/#EXT-X-(?:I-FRAMES-ONLY|BYTERANGE.*)/g)).toEqual([
      ...['#EXT-X-I-FRAMES-ONLY', '#EXT-X-BYTERANGE:10@0', '#EXT-X-BYTERANGE:20@90'],
    ]);
  });

  test('an unfinished or empty playlist is none', () => {
    expect(readMediaPlaylist('#EXTM3U\n#EXTINF:4.0,\na.m4s\n')).toBeUndefined();
    expect(readMediaPlaylist('#EXTM3U\n#EXT-X-ENDLIST\n')).toBeUndefined();
    expect(readMediaPlaylist('')).toBeUndefined();
  });

  test('the peak is over runs of 0.5 to 1.5 target durations, so a short last segment counts only with its neighbour', () => {
    const { bandwidth, averageBandwidth } = measureBandwidth([
      segment(4, 1000),
      segment(4, 4000),
      segment(1, 3000),
    ]);
    expect(bandwidth).toBe(Math.ceil((8 * 7000) / 5));
    expect(averageBandwidth).toBe(Math.ceil((8 * 8000) / 9));
  });

  test('a peak over thousands of short pieces looks at each once for every run that it may be part of', () => {
    let looks = 0;
    const pieces = Array.from({ length: 1000 }, () => ({
      ...segment(1 / 64, 100),
      get bytes() {
        looks += 1;
        return 100;
      },
    }));
    expect(measureBandwidth(pieces).bandwidth).toBe(51_200);
    // A run lasts up to a second and a half.
    expect(looks).toBeLessThan(pieces.length * (1.5 * 64 + 3));
  });

  test('a video shorter than half a second has its mean for a peak', () => {
    expect(measureBandwidth([segment(0.04, 500)])).toEqual({ bandwidth: 100_000, averageBandwidth: 100_000 });
  });
});
