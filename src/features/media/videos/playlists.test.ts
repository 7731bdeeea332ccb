import { describe, expect, test } from 'vitest';
import { measureBandwidth, readMediaPlaylist, writeMasterPlaylist, writeMediaPlaylist } from './playlists.ts';

const segment = (seconds: number, bytes: number) => ({ uri: 'x.m4s', seconds, bytes });

describe('playlists', () => {
  test('a media playlist reads back as it was written', () => {
    const segments = [
      { uri: 'segment-00000.m4s', seconds: 4.004 },
      { uri: 'segment-00001.m4s', seconds: 0.5 },
    ];
    const text = writeMediaPlaylist({ init: 'init.mp4', segments });
    expect(text).toContain('#EXT-X-TARGETDURATION:4\n');
    expect(text).toContain('#EXT-X-PLAYLIST-TYPE:VOD\n');
    expect(text).toContain('#EXT-X-MAP:URI="init.mp4"\n');
    expect(text.endsWith('#EXT-X-ENDLIST\n')).toBe(true);
    expect(readMediaPlaylist(text)).toEqual(segments);
  });

  test('a playlist of one short segment still has a target duration', () => {
    expect(writeMediaPlaylist({ init: 'i', segments: [{ uri: 's', seconds: 0.04 }] })).toContain(
      '#EXT-X-TARGETDURATION:1\n',
    );
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

  test('a video shorter than half a second has its mean for a peak', () => {
    expect(measureBandwidth([segment(0.04, 500)])).toEqual({ bandwidth: 100_000, averageBandwidth: 100_000 });
  });

  test('the master playlist names every variant with what a player chooses by', () => {
    const variant = { uri: '360p/playlist.m3u8', bandwidth: 2, averageBandwidth: 1, width: 640, height: 360 };
    expect(writeMasterPlaylist([{ ...variant, frameRate: 30_000 / 1001, codecs: 'avc1.64001E' }])).toBe(
      [
        '#EXTM3U',
        '#EXT-X-VERSION:7',
        '#EXT-X-INDEPENDENT-SEGMENTS',
        '#EXT-X-STREAM-INF:BANDWIDTH=2,AVERAGE-BANDWIDTH=1,RESOLUTION=640x360,CODECS="avc1.64001E",FRAME-RATE=29.970',
        '360p/playlist.m3u8',
        '',
      ].join('\n'),
    );
  });
});
