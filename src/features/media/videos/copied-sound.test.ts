import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeVideoFolder, publishVideo, type Published } from '../../../../test/support/published-videos.ts';
import {
  countFrames,
  findFlashAndBeep,
  findSound,
  hashPackets,
  inspect,
} from '../../../../test/support/video-checks.ts';
import { makeVideo, type VideoRecipe } from '../../../../test/support/videos.ts';
import { canCopySound } from './copying.ts';
import type { AudioTrack, VideoProbe } from './probe-report.ts';

let folder: string;
beforeAll(async () => {
  folder = await makeVideoFolder();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const CUT_OFTEN = ['-preset', 'veryfast', '-crf', '28', '-g', '60', '-sc_threshold', '0'];

async function publish(
  recipe: Partial<VideoRecipe> & { name: string },
): Promise<Published & { source: string }> {
  const { options = [] } = recipe;
  const video = { directory: folder, seconds: 5, ...recipe, options: [...CUT_OFTEN, ...options] };
  const source = await makeVideo(video);
  return { source, ...(await publishVideo(folder, source, { sides: [240, 360] })) };
}

describe('the sound of a copied picture', () => {
  test('is as it came, without what its encoder put before the beginning', async () => {
    const { source, at } = await publish({ name: 'plain.mp4' });
    const [copy, original] = await Promise.all(
      [at('audio/playlist.m3u8'), source].map((path) => hashPackets(path, 'sound')),
    );
    expect(copy).toEqual(original?.slice(1));
    const { streams, format } = await inspect(at('audio/playlist.m3u8'));
    expect(Number(streams[0]?.start_time)).toBe(0);
    expect(Math.abs(Number(format.duration) - 5)).toBeLessThan(0.05);
    expect(await countFrames(at('master.m3u8'))).toBe(150);
  });

  const flash = "drawbox=c=black:t=fill:enable='lt(t,1)',drawbox=c=white:t=fill:enable='gte(t,1)'";
  const beep = "volume=0:enable='lt(t,1)'";

  test.each([
    ['begins with it', beep],
    // What other encoders put before the beginning is no multiple of a frame's length.
    ['has an odd number of samples before its beginning', `atrim=start_sample=700,${beep}`],
    ['begins a little later', `atrim=start=0.02,${beep}`],
  ])('stays together with it where it %s', async (name, filter) => {
    const { source, at } = await publish({
      ...{ name: `${name.replaceAll(' ', '-')}.mp4`, filters: flash, options: ['-af', filter] },
    });
    expect(await findSound(at('audio/playlist.m3u8'))).toMatchObject({ sample_rate: '44100' });
    const [was, is] = [await findFlashAndBeep(source), await findFlashAndBeep(at('master.m3u8'))];
    expect(Math.abs(is.beep - is.flash - (was.beep - was.flash))).toBeLessThan(0.01);
  });

  test.each<[string, Partial<VideoRecipe>]>([
    ['is mono', { sound: 'mono' }],
    ['has a hole', { options: ['-af', "aselect='not(between(t,2,2.5))'"] }],
    ['ends early', { options: ['-af', 'atrim=end=4.5'] }],
    ['is no AAC', { options: ['-c:a', 'libmp3lame'] }],
  ])('is encoded where it %s, in stereo and as long as the picture', async (name, recipe) => {
    const { encoded, at } = await publish({ ...recipe, name: `${name.replaceAll(' ', '-')}.mp4` });
    expect(encoded.tracks).toContainEqual(expect.objectContaining({ name: '360p', copied: true }));
    expect(await findSound(at('audio/playlist.m3u8'))).toMatchObject({
      ...{ codec_name: 'aac', profile: 'LC', channels: 2, sample_rate: '48000' },
    });
    expect(Number((await inspect(at('audio/playlist.m3u8'))).format.duration)).toBeGreaterThan(4.95);
  });
});

describe('whether sound may be copied', () => {
  const audio: AudioTrack = {
    ...{ index: 1, codec: 'aac', profile: 'LC', channels: 2, startSeconds: 0 },
    ...{ durationSeconds: 10, bitRate: 128_000 },
  };
  const may = (more: Partial<AudioTrack>): boolean => {
    const probe = { audio: { ...audio, ...more }, video: { durationSeconds: 10 } } as VideoProbe;
    return canCopySound({ container: { demuxer: 'mov' }, probe } as Parameters<typeof canCopySound>[0]);
  };

  test.each<[string, Partial<AudioTrack>, boolean]>([
    ['AAC-LC in stereo', {}, true],
    ['a phone’s', { bitRate: 191_000, durationSeconds: 9.96 }, true],
    ['another AAC', { profile: 'HE-AAC' }, false],
    ['of six channels', { channels: 6 }, false],
    ['richer than small sizes bear', { bitRate: 256_000 }, false],
    ['of a rate that nobody says', { bitRate: undefined }, false],
    ['over long before the picture', { durationSeconds: 9.8 }, false],
  ])('%s', (_, more, wanted) => {
    expect(may(more)).toBe(wanted);
  });
});
