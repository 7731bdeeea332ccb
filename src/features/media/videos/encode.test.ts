import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeVideoFolder, publishVideo, type Published } from '../../../../test/support/published-videos.ts';
import {
  countFrames,
  findPicture,
  findSound,
  inspect,
  joinSegment,
  hashPackets,
  keyFrames,
  readFirstFrame,
} from '../../../../test/support/video-checks.ts';
import { bundledFfmpeg, makeVideo, testFfmpeg } from '../../../../test/support/videos.ts';
import { readMediaPlaylist } from './playlists.ts';
import type { EncodeProgress } from './stream.ts';

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

const listTracks = ({ encoded }: Published): string[] =>
  encoded.tracks.map(({ name, copied }) => (copied ? `${name} as it came` : name)).toSorted();

const builds = [
  { name: 'the ffmpeg of this system', find: testFfmpeg },
  { name: 'the ffmpeg from npm', find: bundledFfmpeg },
];

describe.each(builds)('a landscape video with sound, by $name', ({ find }) => {
  let made: Published;
  const progress: EncodeProgress[] = [];
  beforeAll(async () => {
    const using = await find();
    if (!using) throw new Error('This build of ffmpeg is not installed.');
    const source = await makeVideo({
      ...{ directory: folder, width: 1280, height: 720, seconds: 9 },
      // Key frames at their own times, too far apart to be copied.
      options: [...SECRETS, '-g', '200', '-sc_threshold', '0'],
    });
    made = await publishVideo(folder, source, {
      ...{ ffmpeg: using, sides: [240, 360, 720], onProgress: (step) => progress.push(step) },
    });
  });

  test('gets its renditions, its sound once, a progressive file and a poster', async () => {
    const { encoded } = made;
    expect(encoded).toMatchObject({ width: 1280, height: 720, hasAudio: true, progressiveIsSource: true });
    expect(Math.abs(encoded.durationMs - 9000)).toBeLessThan(100);
    expect(listTracks(made)).toEqual(['240p', '360p', '720p', 'audio']);
  });

  test('is cut at the same key frames in every rendition, every two seconds and once in the first two', async () => {
    const { at } = made;
    const [small, middle, large] = await Promise.all(
      ['240p', '360p', '720p'].map((name) => keyFrames(at(`${name}/playlist.m3u8`))),
    );
    expect(middle).toEqual([0, 1, 2, 4, 6, 8]);
    expect([small, large]).toEqual([middle, middle]);
    for (const name of ['240p', '360p', '720p']) {
      const playlist = await readFile(at(`${name}/playlist.m3u8`), 'utf8');
      expect(readMediaPlaylist(playlist)?.map(({ seconds }) => seconds)).toEqual([1, 1, 2, 2, 3]);
    }
  });

  test('starts every segment with a key frame, so that a player can switch there', async () => {
    const alone = await joinSegment(made.at('720p/b-00004.m4s'), join(folder, 'alone.mp4'));
    expect(await countFrames(alone)).toBe(90);
  });

  test('tells a player what it chooses by, as the files are', async () => {
    const master = await readFile(made.at('master.m3u8'), 'utf8');
    expect(master.match(/RESOLUTION=\d+x\d+,CODECS="[^"]+",FRAME-RATE=[\d.]+,AUDIO="sound"\n.*/g)).toEqual([
      'RESOLUTION=426x240,CODECS="avc1.640015,mp4a.40.2",FRAME-RATE=30.000,AUDIO="sound"\n240p/playlist.m3u8',
      'RESOLUTION=640x360,CODECS="avc1.64001E,mp4a.40.2",FRAME-RATE=30.000,AUDIO="sound"\n360p/playlist.m3u8',
      'RESOLUTION=1280x720,CODECS="avc1.64001F,mp4a.40.2",FRAME-RATE=30.000,AUDIO="sound"\n720p/playlist.m3u8',
    ]);
    for (const { bandwidth, averageBandwidth } of made.encoded.renditions) {
      expect(averageBandwidth).toBeGreaterThan(40_000);
      expect(bandwidth).toBeGreaterThanOrEqual(averageBandwidth);
    }
  });

  test('plays: H.264 High and AAC, and every frame decodes', async () => {
    expect(await findPicture(made.at('720p/playlist.m3u8'))).toMatchObject({
      ...{ ...PLAYABLE, profile: 'High', width: 1280, height: 720 },
    });
    expect(await findSound(made.at('audio/playlist.m3u8'))).toMatchObject({
      ...{ codec_name: 'aac', profile: 'LC', channels: 2, sample_rate: '44100' },
    });
    expect(await countFrames(made.at('360p/playlist.m3u8'))).toBe(270);
    expect(await countFrames(made.at('video.mp4'))).toBe(270);
  });

  test('shows the first picture and lets the first sound be heard at zero', async () => {
    for (const name of ['240p', '360p', '720p', 'audio']) {
      const { streams } = await inspect(made.at(`${name}/playlist.m3u8`));
      expect(Number(streams[0]?.start_time), name).toBe(0);
    }
  });

  test('has pictures for quick search that decode each for itself', async () => {
    const playlist = await readFile(made.at('360p/iframes.m3u8'), 'utf8');
    const ranges = [...playlist.matchAll(/#EXT-X-BYTERANGE:(\d+)@(\d+)\n(.*)/g)];
    expect(ranges).toHaveLength(6);
    const init = await readFile(made.at('360p/a-init.mp4'));
    for (const [place, [, length = 0, offset = 0, file = '']] of ranges.entries()) {
      const bytes = await readFile(made.at(`360p/${file}`));
      const range = bytes.subarray(Number(offset), Number(offset) + Number(length));
      const path = join(folder, `i-frame-${place}.mp4`);
      await writeFile(path, Buffer.concat([init, range]));
      expect(await readFirstFrame(path)).toMatchObject({ key_frame: 1, pict_type: 'I', width: 640 });
    }
  });

  test('copies what browsers play already into the progressive file, index first', async () => {
    const bytes = await readFile(made.at('video.mp4'));
    expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'));
    expect(await findPicture(made.at('video.mp4'))).toMatchObject({
      ...{ profile: 'Constrained Baseline', width: 1280, height: 720 },
    });
  });

  test('publishes none of the words in the source, nor the encoder’s', async () => {
    const files = (await readdir(made.at(''), { recursive: true })).filter((file) => /[/-]/.test(file));
    for (const file of files) {
      const bytes = (await readFile(made.at(file))).toString('latin1');
      // Words long enough not to come up in compressed pictures by chance.
      expect(/secret|script|onerror|48\.2-16|x264 - core|Lavf/.exec(bytes)?.[0], file).toBeUndefined();
    }
    expect(files.length).toBeGreaterThan(20);
    const { chapters, format } = await inspect(made.at('video.mp4'));
    expect(chapters).toEqual([]);
    expect(Object.keys(format.tags ?? {}).sort()).toEqual([
      'compatible_brands',
      'major_brand',
      'minor_version',
    ]);
  });

  test('reports what it does, and how far each rendition is', () => {
    expect(progress.at(-1)).toEqual({ step: 'finishing' });
    const fractions = progress.flatMap(({ track, fraction }) => (track === '360p' ? [fraction ?? 0] : []));
    expect(fractions.toSorted((a, b) => a - b)).toEqual(fractions);
    expect(fractions.at(-1)).toBeGreaterThan(0.9);
    expect(new Set(progress.map(({ track }) => track))).toEqual(new Set(['360p', '240p', '720p', undefined]));
  });

  test('has a poster that is a small picture, and a sheet of smaller ones with a list', async () => {
    const wanted = { codec_name: 'mjpeg', width: 640, height: 360 };
    expect(await findPicture(made.at('poster.jpg'))).toMatchObject(wanted);
    expect(await findPicture(made.at('a-storyboard.jpg'))).toMatchObject({ width: 800, height: 90 });
    const list = await readFile(made.at('a-storyboard.vtt'), 'utf8');
    expect(list.match(/--> .*\n.*/g)?.at(-1)).toBe('--> 00:00:09.000\na-storyboard.jpg#xywh=640,0,160,90');
  });
});

describe('a video that browsers play already', () => {
  let made: Published;
  beforeAll(async () => {
    const source = await makeVideo({
      ...{ directory: folder, name: 'plays.mp4', width: 1280, height: 720, seconds: 9 },
      options: ['-preset', 'veryfast', '-g', '45', '-keyint_min', '45', '-sc_threshold', '0', '-crf', '28'],
    });
    made = await publishVideo(folder, source, { sides: [360, 480, 720] });
  });

  test('is its own top rendition, without a bit changed', async () => {
    expect(listTracks(made)).toEqual(['360p', '480p', '720p as it came', 'audio']);
    const [copy, original] = await Promise.all(
      [made.at('720p/playlist.m3u8'), join(folder, 'plays.mp4')].map((path) => hashPackets(path)),
    );
    expect(copy).toEqual(original);
  });

  test('has its other renditions cut where it is', async () => {
    for (const name of ['360p', '480p', '720p']) {
      const segments = readMediaPlaylist(await readFile(made.at(`${name}/playlist.m3u8`), 'utf8')) ?? [];
      let end = 0;
      const ends = segments.map(({ seconds }) => Math.round(1000 * (end += seconds)) / 1000);
      expect(ends, name).toEqual([1.5, 3, 6, 9]);
    }
  });
});
