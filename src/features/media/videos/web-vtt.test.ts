import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCaptions, writeCaptions } from './web-vtt.ts';

const cue = (text: string): string => `WEBVTT\n\n00:01.000 --> 00:02.500\n${text}\n`;
const textOf = (text: string): string | undefined => {
  const cues = readCaptions(cue(text));
  return Array.isArray(cues) ? cues[0]?.text : cues;
};

describe('captions', () => {
  test('are read with hours or without, names of cues, settings and notes, and written in order', () => {
    const text = [
      '\uFEFFWEBVTT - a title\r\nKind: captions\r\n',
      'NOTE not for viewers\r\n',
      'second\r\n01:00:03.000 --> 01:00:04.000 line:0 position:20%\r\ntwo\r\nlines\r\n',
      '00:01.000 --> 00:02.500\r\none\r\n',
    ].join('\r\n');
    const cues = readCaptions(text);
    expect(cues).toEqual([
      { start: 1, end: 2.5, text: 'one' },
      { start: 3603, end: 3604, text: 'two\nlines' },
    ]);
    expect(Array.isArray(cues) && writeCaptions(cues)).toBe(
      'WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n00:00:01.000 --> 00:00:02.500\none\n\n01:00:03.000 --> 01:00:04.000\ntwo\nlines\n',
    );
  });

  test.each([
    ['WEBVTTX\n', 'not_captions'],
    ['', 'not_captions'],
    ['WEBVTT\n\n00:02.000 --> 00:01.000\nbackwards\n', 'no_cues'],
    [cue('x'.repeat(2_001)), 'cue_too_long'],
    [`WEBVTT\n${'\n00:01.000 --> 00:02.000\nx\n'.repeat(20_001)}`, 'too_many_cues'],
  ])('refuse what cannot be shown', (text, problem) => {
    expect(readCaptions(text)).toBe(problem);
  });

  test.each([
    ['<b>bold</b> <i.class>slanted</i>', '<b>bold</b> <i>slanted</i>'],
    ['<v Ann>said</v> <c.red>red</c> <00:01.500>late', 'said red late'],
    ['<img src=x onerror=alert(1)>', ''],
    ['<b>never closed', '<b>never closed</b>'],
    ['1 < 2 & 3 > 2 &amp; &#x3c;', '1 &lt; 2 &amp; 3 &gt; 2 &amp; &amp;#x3c;'],
  ])('keep of markup what is harmless: %s', (given, kept) => {
    expect(textOf(given) ?? '').toBe(kept === '' ? 'no_cues' : kept);
  });

  test('whatever comes is refused or written so that it reads back the same, without a tag that is not known', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom(
        '<b>',
        '</b>',
        '<script>',
        '-->',
        '\n',
        '\n\n',
        '&lt;',
        '00:01.000 --> 00:02.000',
        '<',
        '>',
        '\r',
        '\0',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const cues = readCaptions(cue(pieces.join('')));
        if (!Array.isArray(cues)) return;
        const written = writeCaptions(cues);
        expect(readCaptions(written)).toEqual(cues);
        expect(written.replace(/<\/?[biu]>/g, '').replaceAll(' --> ', '')).not.toMatch(/[<>]/);
      }),
      { seed: 2026, numRuns: 2_000 },
    );
  });
});
