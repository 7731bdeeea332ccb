import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeVideoFolder, publishVideo, type Published } from '../../../../test/support/published-videos.ts';
import {
  countFrames,
  findPicture,
  findSound,
  inspect,
  joinSegment,
  keyFrames,
} from '../../../../test/support/video-checks.ts';
import { bundledFfmpeg, makeVideo, testFfmpeg } from '../../../../test/support/videos.ts';
import { readMediaPlaylist } from './playlists.ts';

let folder: string;
beforeAll(async () => {
  folder = await makeVideoFolder();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const PLAYABLE = { codec_name: 'h264', pix_fmt: 'yuv420p', sample_aspect_ratio: '1:1' };

const SECRETS = [
  ...[
    '-metadata',
    'title=<script>secret</script>',
    '-metadata',
    'location=+48.2-16.3/',
    '-metadata',
    'artist=<img src=x onerror=secret>',
    '-metadata',
    'comment=secret\r\nSet-Cookie: secret=1\r\n\r\n#EXT-X-secret',
  ],
  ...[
    '-metadata:s:v',
    'handler_name=secret',
    '-metadata:s:v',
    'language=deu',
    '-movflags',
    '+use_metadata_tags',
  ],
];

const builds = [
  { name: 'the ffmpeg of this system', find: testFfmpeg },
  { name: 'the ffmpeg from npm', find: bundledFfmpeg },
];

describe.each(builds)('a landscape video with sound, by $name', ({ find }) => {
  let made: Published;
  const progress: number[] = [];
  beforeAll(async () => {
    const using = await find();
    if (!using) throw new Error('This build of ffmpeg is not installed.');
    const source = await makeVideo({
      directory: folder,
      width: 1280,
      height: 720,
      seconds: 5,
      picture: 'natural',
      options: SECRETS,
    });
    made = await publishVideo(folder, source, {
      ffmpeg: using,
      onProgress: (fraction) => progress.push(fraction),
    });
  });

  test('gets two renditions, a progressive file and a poster, and all are listed', async () => {
    const { encoded } = made;
    expect(encoded).toMatchObject({
      width: 1280,
      height: 720,
      hasAudio: true,
      progressive: 'video.mp4',
      poster: 'poster.jpg',
    });
    expect(Math.abs(encoded.durationMs - 5000)).toBeLessThan(100);
    const segments = (name: string): string[] =>
      ['playlist.m3u8', 'init.mp4', 'segment-00000.m4s', 'segment-00001.m4s'].map(
        (file) => `${name}/${file}`,
      );
    expect(encoded.files).toEqual([
      'master.m3u8',
      'video.mp4',
      'poster.jpg',
      ...segments('360p'),
      ...segments('720p'),
    ]);
  });

  test('is cut at the same key frames in every rendition, every two seconds', async () => {
    const { at } = made;
    const [small, large] = await Promise.all(
      ['360p', '720p'].map((name) => keyFrames(at(`${name}/playlist.m3u8`))),
    );
    expect(small).toEqual([0, 2, 4]);
    expect(large).toEqual(small);
    const playlists = await Promise.all(
      ['360p', '720p'].map((name) => readFile(at(`${name}/playlist.m3u8`), 'utf8')),
    );
    expect(readMediaPlaylist(playlists[0] ?? '')?.map(({ seconds }) => seconds)).toEqual([4, 1]);
    expect(playlists[1]).toBe(playlists[0]);
  });

  test('starts every segment with a key frame, so that a player can switch there', async () => {
    const alone = await joinSegment(made.at('720p/segment-00001.m4s'), join(folder, 'alone.mp4'));
    expect(await countFrames(alone)).toBe(30);
  });

  test('tells a player what it chooses by, as the files are', async () => {
    const master = await readFile(made.at('master.m3u8'), 'utf8');
    expect(master.match(/RESOLUTION=\d+x\d+,CODECS="[^"]+",FRAME-RATE=[\d.]+\n.*/g)).toEqual([
      'RESOLUTION=640x360,CODECS="avc1.64001E,mp4a.40.2",FRAME-RATE=30.000\n360p/playlist.m3u8',
      'RESOLUTION=1280x720,CODECS="avc1.64001F,mp4a.40.2",FRAME-RATE=30.000\n720p/playlist.m3u8',
    ]);
    for (const { bandwidth, averageBandwidth } of made.encoded.renditions) {
      expect(averageBandwidth).toBeGreaterThan(50_000);
      expect(bandwidth).toBeGreaterThanOrEqual(averageBandwidth);
    }
  });

  test('plays: H.264 High and AAC, and every frame decodes', async () => {
    expect(await findPicture(made.at('720p/playlist.m3u8'))).toMatchObject({
      ...PLAYABLE,
      profile: 'High',
      width: 1280,
      height: 720,
    });
    expect(await findSound(made.at('360p/playlist.m3u8'))).toMatchObject({
      codec_name: 'aac',
      profile: 'LC',
      channels: 2,
      sample_rate: '48000',
    });
    expect(await countFrames(made.at('360p/playlist.m3u8'))).toBe(150);
    expect(await countFrames(made.at('video.mp4'))).toBe(150);
  });

  test('copies what browsers play already into the progressive file, index first', async () => {
    const bytes = await readFile(made.at('video.mp4'));
    expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'));
    // Half of it would do if it were encoded again.
    expect(await findPicture(made.at('video.mp4'))).toMatchObject({
      profile: 'Constrained Baseline',
      width: 1280,
      height: 720,
    });
  });

  test('publishes none of the words in the source, nor the encoder’s', async () => {
    for (const file of made.encoded.files) {
      const bytes = (await readFile(made.at(file))).toString('latin1');
      // Words long enough not to come up in compressed pictures by chance.
      expect(/secret|script|onerror|48\.2-16|x264 - core|Lavf/.exec(bytes)?.[0], file).toBeUndefined();
    }
    const { chapters, format } = await inspect(made.at('video.mp4'));
    expect(chapters).toEqual([]);
    expect(Object.keys(format.tags ?? {}).sort()).toEqual([
      'compatible_brands',
      'major_brand',
      'minor_version',
    ]);
  });

  test('reports progress that rises to one', () => {
    expect(progress.at(-1)).toBe(1);
    expect([...progress].sort((a, b) => a - b)).toEqual(progress);
    expect(progress.length).toBeGreaterThan(2);
  });

  test('has a poster that is a small picture', async () => {
    expect(await findPicture(made.at('poster.jpg'))).toMatchObject({
      codec_name: 'mjpeg',
      width: 1280,
      height: 720,
    });
  });
});
