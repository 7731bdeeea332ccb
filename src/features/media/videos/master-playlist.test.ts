import { expect, test } from 'vitest';
import { writeMasterPlaylist } from './master-playlist.ts';

const variant = {
  ...{ uri: '360p/playlist.m3u8', bandwidth: 200, averageBandwidth: 100, width: 640, height: 360 },
  ...{ frameRate: 30_000 / 1001, codecs: 'avc1.64001E' },
};

test('a silent video has a variant with what a player chooses by', () => {
  expect(writeMasterPlaylist({ variants: [variant] })).toBe(
    [
      '#EXTM3U',
      '#EXT-X-VERSION:7',
      '#EXT-X-INDEPENDENT-SEGMENTS',
      '#EXT-X-STREAM-INF:BANDWIDTH=200,AVERAGE-BANDWIDTH=100,RESOLUTION=640x360,CODECS="avc1.64001E",FRAME-RATE=29.970',
      '360p/playlist.m3u8',
      '',
    ].join('\n'),
  );
});

test('the sound is a group that variants add to their rates, and a variant of its own', () => {
  const sound = { uri: 'audio/playlist.m3u8', bandwidth: 20, averageBandwidth: 10 };
  const captions = [{ uri: 'captions/1.m3u8', language: 'de', label: 'Deutsch' }];
  const iFrames = { uri: '360p/iframes.m3u8', bandwidth: 7 };
  const text = writeMasterPlaylist({ variants: [{ ...variant, iFrames }], sound, captions });
  expect(text.split('\n').slice(3)).toEqual([
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio/playlist.m3u8"',
    '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="captions",NAME="Deutsch",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES,URI="captions/1.m3u8"',
    '#EXT-X-STREAM-INF:BANDWIDTH=220,AVERAGE-BANDWIDTH=110,RESOLUTION=640x360,CODECS="avc1.64001E,mp4a.40.2",FRAME-RATE=29.970,AUDIO="sound",SUBTITLES="captions"',
    '360p/playlist.m3u8',
    '#EXT-X-STREAM-INF:BANDWIDTH=20,AVERAGE-BANDWIDTH=10,CODECS="mp4a.40.2",AUDIO="sound",SUBTITLES="captions"',
    'audio/playlist.m3u8',
    '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=7,RESOLUTION=640x360,CODECS="avc1.64001E",URI="360p/iframes.m3u8"',
    '',
  ]);
});

test('captions of different languages have different names, whatever their owner calls them', () => {
  const named = [
    ['fr', 'English (en)'],
    ['en', 'English'],
    ['en-GB', 'English'],
    ['de', 'Deutsch'],
  ] as const;
  const captions = named.map(([language, label]) => ({ uri: `captions/${language}.m3u8`, language, label }));
  const text = writeMasterPlaylist({ variants: [variant], captions });
  expect([...text.matchAll(/NAME="([^"]*)",LANGUAGE="([^"]*)"/g)].map(([, ...found]) => found)).toEqual([
    ['English (en)', 'fr'],
    ['English (en) (en)', 'en'],
    ['English (en-GB)', 'en-GB'],
    ['Deutsch', 'de'],
  ]);
});
