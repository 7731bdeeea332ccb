import { expect, test } from 'vitest';
import { readStoryboard } from './videos.ts';

test('a storyboard is read with the places of its pictures', () => {
  const text = [
    'WEBVTT\n',
    '00:00:00.000 --> 00:00:02.000\na-sheet.jpg#xywh=0,0,160,90\n',
    '01:00:02.000 --> 01:00:04.500\na-sheet.jpg#xywh=160,90,160,90\n',
  ].join('\n');
  const size = { sheet: 'http://here/media/hls/1/a-sheet.jpg', width: 160, height: 90 };
  expect(readStoryboard(text, 'http://here/media/hls/1/list.vtt')).toEqual([
    { from: 0, until: 2, x: 0, y: 0, ...size },
    { from: 3602, until: 3604.5, x: 160, y: 90, ...size },
  ]);
});
