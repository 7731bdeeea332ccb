import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeVideoFolder, publishVideo, type Published } from '../../../../test/support/published-videos.ts';
import {
  corners,
  countFrames,
  findFlashAndBeep,
  findPicture,
  findSound,
  firstLuma,
  inspect,
} from '../../../../test/support/video-checks.ts';
import { makeVideo, type VideoRecipe } from '../../../../test/support/videos.ts';

let folder: string;
beforeAll(async () => {
  folder = await makeVideoFolder();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What every published picture must be, or a browser somewhere cannot show it. */
const PLAYABLE = { codec_name: 'h264', pix_fmt: 'yuv420p', sample_aspect_ratio: '1:1' };

let count = 0;
const make = (recipe: Omit<VideoRecipe, 'directory'>): Promise<string> => {
  count += 1;
  return makeVideo({ directory: folder, ...recipe, name: `${count}-${recipe.name ?? 'video.mp4'}` });
};

const publish = (source: string): Promise<Published> => publishVideo(folder, source, { sides: [360, 720] });

describe('unusual pictures', () => {
  test('a portrait that is stored lying is published upright', async () => {
    const filters =
      'drawbox=x=0:y=0:w=iw/2:h=ih/2:color=white:t=fill,drawbox=x=iw/2:y=0:w=iw/2:h=ih:color=black:t=fill,drawbox=x=0:y=ih/2:w=iw/2:h=ih/2:color=black:t=fill';
    const { encoded, at } = await publish(
      await make({ width: 640, height: 360, seconds: 1, rotation: 90, filters }),
    );
    expect(encoded).toMatchObject({ width: 360, height: 640 });
    for (const file of ['360p/playlist.m3u8', 'video.mp4', 'poster.jpg']) {
      expect((await findPicture(at(file))).side_data_list ?? [], file).toEqual([]);
      const [topLeft, topRight, bottomLeft, bottomRight] = await corners(at(file));
      // The light corner was top left before the picture was turned clockwise.
      expect(topRight, file).toBeGreaterThan(150);
      for (const dark of [topLeft, bottomLeft, bottomRight]) expect(dark, file).toBeLessThan(60);
    }
  });

  test('odd sides are made even, and a video without sound stays silent', async () => {
    const source = await make({
      name: 'odd.mkv',
      width: 641,
      height: 359,
      seconds: 1,
      sound: 'none',
      options: ['-pix_fmt', 'yuv444p'],
    });
    const { encoded, at } = await publish(source);
    expect(encoded).toMatchObject({ width: 640, height: 358, hasAudio: false });
    expect(encoded.renditions.map(({ name, codecs }) => [name, codecs])).toEqual([
      ['358p', expect.stringMatching(/^avc1\.6400[0-9A-F]{2}$/)],
    ]);
    expect(await findPicture(at('358p/playlist.m3u8'))).toMatchObject(PLAYABLE);
    expect(await findSound(at('video.mp4'))).toBeUndefined();
    // The source is 4:4:4, so the progressive file is the rendition, not a copy.
    expect(await findPicture(at('video.mp4'))).toMatchObject(PLAYABLE);
  });

  test('ten bits of high dynamic range become eight of the usual one, and 5.1 becomes stereo', async () => {
    const hdr = ['-color_primaries', 'bt2020', '-color_trc', 'smpte2084', '-colorspace', 'bt2020nc'];
    const source = await make({
      name: 'hdr.mkv',
      seconds: 1,
      sound: '5.1',
      options: ['-pix_fmt', 'yuv420p10le', ...hdr],
    });
    expect(await findPicture(source)).toMatchObject({ pix_fmt: 'yuv420p10le', color_transfer: 'smpte2084' });
    const { at } = await publish(source);
    expect(await findPicture(at('360p/playlist.m3u8'))).toMatchObject({
      ...PLAYABLE,
      color_transfer: 'bt709',
      color_space: 'bt709',
    });
    expect(await findSound(at('audio/playlist.m3u8'))).toMatchObject({ channels: 2 });
    // Matroska's times are whole milliseconds, which may round to one frame more.
    expect([30, 31]).toContain(await countFrames(at('video.mp4')));
  });

  test('red that is stored as red, green and blue is the same red at every size', async () => {
    const options = ['-c:v', 'ffv1', '-pix_fmt', 'bgr0'];
    const filters = 'drawbox=c=red:t=fill';
    const source = await make({ name: 'red.mkv', width: 640, height: 360, seconds: 1, filters, options });
    const { at } = await publishVideo(folder, source, { sides: [120, 240, 360] });
    for (const file of ['120p/playlist.m3u8', '240p/playlist.m3u8', '360p/playlist.m3u8']) {
      expect(await findPicture(at(file)), file).toMatchObject({ ...PLAYABLE, color_space: 'bt709' });
      // As BT.709 has it; BT.601 has 81.
      expect(Math.abs((await firstLuma(at(file))) - 63), file).toBeLessThan(3);
    }
  });

  test('a variable frame rate becomes a constant one of the same length', async () => {
    const filters = "select='if(lt(t,1),1,not(mod(n,3)))'";
    const { encoded, at } = await publish(await make({ seconds: 3, filters, options: ['-vsync', 'vfr'] }));
    expect(encoded.renditions[0]?.frameRate).toBeGreaterThanOrEqual(15);
    const frames = await countFrames(at('360p/playlist.m3u8'));
    expect(Math.abs(frames / (encoded.renditions[0]?.frameRate ?? 0) - 3)).toBeLessThan(0.15);
  });

  test('120 frames a second become 60', async () => {
    const { encoded } = await publish(await make({ frameRate: 120, seconds: 1, sound: 'none' }));
    expect(encoded.renditions[0]?.frameRate).toBe(60);
  });

  test('stretched pixels are made square', async () => {
    const { encoded } = await publish(
      await make({ width: 720, height: 576, seconds: 1, filters: 'setsar=16/15', sound: 'none' }),
    );
    expect(encoded.renditions.map(({ width, height }) => `${width}x${height}`)).toEqual([
      '480x360',
      '768x576',
    ]);
  });

  test('interlaced television is deinterlaced', async () => {
    const options = ['-c:v', 'mpeg2video', '-flags', '+ildct+ilme', '-top', '1', '-c:a', 'mp2', '-b:v', '2M'];
    const source = await make({ name: 'tv.ts', width: 720, height: 576, frameRate: 25, seconds: 2, options });
    const { encoded, at } = await publish(source);
    expect(await findPicture(at('360p/playlist.m3u8'))).toMatchObject({ ...PLAYABLE, r_frame_rate: '25/1' });
    expect(encoded.hasAudio).toBe(true);
  });

  test('a stamp of one frame plays', async () => {
    const { encoded, at } = await publish(
      await make({ width: 64, height: 48, options: ['-frames:v', '1'], sound: 'none' }),
    );
    expect(encoded).toMatchObject({ width: 64, height: 48 });
    expect(await countFrames(at('48p/playlist.m3u8'))).toBeGreaterThanOrEqual(1);
    expect(await findPicture(at('poster.jpg'))).toMatchObject({ width: 64, height: 48 });
  });

  test('a single pixel plays, on a stamp of even sides', async () => {
    const options = ['-c:v', 'ffv1', '-pix_fmt', 'bgr0'];
    const { encoded, at } = await publish(
      await make({ name: 'pixel.mkv', width: 1, height: 1, seconds: 1, sound: 'none', options }),
    );
    expect([encoded.width % 2, encoded.height % 2]).toEqual([0, 0]);
    for (const file of [`${encoded.renditions[0]?.name}/playlist.m3u8`, 'video.mp4']) {
      expect(await findPicture(at(file))).toMatchObject({ ...PLAYABLE, width: encoded.width });
      expect(await countFrames(at(file))).toBe(30);
    }
  });
});

describe('picture and sound', () => {
  const flash = "drawbox=c=black:t=fill:enable='lt(t,1)',drawbox=c=white:t=fill:enable='gte(t,1)'";
  const beep = ['-af', "volume=0:enable='lt(t,1)'"];

  test.each([
    ['as they come', []],
    ['when the sound starts late', ['-af', "volume=0:enable='lt(t,1)',atrim=start=0.5"]],
  ])('stay together %s', async (_, options) => {
    const source = await make({
      name: 'flash.mkv',
      seconds: 3,
      filters: flash,
      options: [...beep, ...options],
    });
    const { at } = await publish(source);
    for (const file of ['master.m3u8', 'video.mp4']) {
      const found = await findFlashAndBeep(at(file));
      expect(Math.abs(found.flash - found.beep), file).toBeLessThan(0.05);
    }
  });

  test('sound that ends early is followed by silence, so that no player waits for more', async () => {
    const { at } = await publish(await make({ seconds: 3, options: ['-af', 'atrim=end=1'] }));
    const found = await findSound(at('video.mp4'));
    const silence = await findSound(at('audio/playlist.m3u8'));
    expect([found?.codec_name, silence?.codec_name]).toEqual(['aac', 'aac']);
    expect(Number((await inspect(at('audio/playlist.m3u8'))).format.duration)).toBeGreaterThan(2.9);
  });

  test('a still with a song keeps the still to its end', async () => {
    const { encoded } = await publish(await make({ seconds: 5, filters: 'trim=end_frame=1' }));
    expect(Math.abs(encoded.durationMs - 5000)).toBeLessThan(200);
  });
});
