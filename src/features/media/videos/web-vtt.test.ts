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
    [cue('<i></i>'.repeat(2_900)), 'cue_too_long'],
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

  test('of which each word has a time and a class are read as the words', () => {
    const words = Array.from({ length: 200 }, (_, at) => `word${at}`);
    const given = words.map((word) => `<00:00:01.500><c.colorE5E5E5> ${word}</c>`).join('');
    expect(textOf(given)).toBe(words.join(' '));
  });

  const MIB = 2 ** 20;
  const many = (cues: string): string => cue(cues).repeat(Math.ceil(MIB / cue(cues).length));
  test.each([
    ['a tag that never ends', cue(`<${'a'.repeat(MIB)}`)],
    ['an end of a tag that never ends', cue(`</${'a'.repeat(MIB)}`)],
    ['short tags that never end', many(`<${'a'.repeat(1_980)}`)],
    ['tags in tags', cue('<b>'.repeat(MIB / 7) + '</b>'.repeat(MIB / 7))],
    ['short tags in tags', many('<b>'.repeat(270) + '</b>'.repeat(270))],
    ['brackets', many('<'.repeat(490))],
    ['ampersands', many('&lr'.repeat(280))],
    ['blanks', many(`x${' '.repeat(1_980)}x`)],
    ['a time without an end', `WEBVTT\n\n00:01.000${' '.repeat(MIB)}`],
    ['settings', `WEBVTT\n\n00:01.000 --> 00:02.000${' '.repeat(MIB)}\u2028`],
    ['lines', cue('x\n'.repeat(MIB / 2))],
    ['ends of lines', `WEBVTT${'\r'.repeat(MIB)}`],
  ])('of 1 MiB are answered at once, also when they are nothing but %s', (_, text) => {
    const began = performance.now();
    readCaptions(text);
    expect(performance.now() - began).toBeLessThan(3_000);
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
