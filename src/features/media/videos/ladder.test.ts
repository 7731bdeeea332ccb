import { describe, expect, test } from 'vitest';
import { chooseLadder } from './ladder.ts';
import type { VideoContainer } from './containers.ts';
import type { VideoTrack } from './probe-report.ts';

const MP4: VideoContainer = { container: 'mp4', demuxer: 'mov', extension: 'mp4', mimeType: 'video/mp4' };
const thirty = { numerator: 30, denominator: 1 };
const phone: VideoTrack = {
  ...{ index: 0, codec: 'h264', profile: 'High', level: 40, startSeconds: 0, width: 1920, height: 1080 },
  ...{ plain: true, pixelFormat: 'yuv420p', averageFrameRate: thirty, baseFrameRate: thirty },
  ...{ interlaced: false, durationSeconds: 10, bitRate: 8e6 },
  color: { matrix: 'bt709', primaries: 'bt709', transfer: 'bt709' },
};
const sides = [240, 360, 480, 720, 1080];

function ladder(
  change: Partial<VideoTrack> = {},
  more: { container?: VideoContainer; mayCopy?: boolean } = {},
) {
  const { container = MP4, mayCopy = true } = more;
  const probe = { durationSeconds: 10, streams: 1, video: { ...phone, ...change } };
  const { copied, first, rest } = chooseLadder({ probe, container, sides, mayCopy });
  return [copied?.name, first.map(({ name }) => name).join(), rest.map(({ name }) => name).join()];
}

describe('the ladder', () => {
  test('begins with 360p, and leaves what is larger and smaller for later', () => {
    expect(ladder({ codec: 'hevc' })).toEqual([undefined, '360p', '240p,480p,720p,1080p']);
    expect(ladder({ codec: 'hevc', width: 320, height: 240 })).toEqual([undefined, '240p', '']);
  });

  test('has the picture as it came for its top, and nothing beside it that is nearly as large', () => {
    expect(ladder()).toEqual(['1080p', '360p', '240p,480p,720p']);
    expect(ladder({ width: 800, height: 1422, bitRate: 4e6 })).toEqual(['800p', '360p', '240p,480p']);
    expect(ladder({ width: 640, height: 360, bitRate: 1e6 })).toEqual(['360p', '', '240p']);
  });

  test.each([
    ['was tried and lies badly', {}, { mayCopy: false }],
    ['is in another kind of file', {}, { container: { ...MP4, demuxer: 'matroska' as const } }],
    ['is above what is published', { width: 3840, height: 2160 }, {}],
    ['is of a level that phones do not take', { level: 51 }, {}],
    ['has no level', { level: undefined }, {}],
    ['has ten bits', { profile: 'High 10', pixelFormat: 'yuv420p10le' }, {}],
    ['is turned', { plain: false }, {}],
    ['is interlaced', { interlaced: true }, {}],
    ['has a rate that varies', { averageFrameRate: { numerator: 27, denominator: 1 } }, {}],
    [
      'has too many frames',
      {
        averageFrameRate: { numerator: 120, denominator: 1 },
        baseFrameRate: { numerator: 120, denominator: 1 },
      },
      {},
    ],
    ['is richer than it is worth', { bitRate: 12e6 }, {}],
    ['has odd sides', { width: 1919 }, {}],
  ])('is encoded to its top where the picture %s', (_, change, more) => {
    expect(ladder(change, more)[0]).toBeUndefined();
  });
});
