// WebVTT captions (W3C WebVTT, sections 4 and 6): read by the letter, within bounds, and written afresh. Nothing of a
// stranger's file is passed on but times and text: no styles, no regions, no notes, no settings, and of the markup only what browsers show.

import { writeClock } from './storyboard.ts';

export interface Cue {
  /** Seconds. */
  start: number;
  end: number;
  text: string;
}

export type CaptionsProblem = 'not_captions' | 'no_cues' | 'too_many_cues' | 'cue_too_long';

const MOST_CUES = 20_000;
const LONGEST_CUE = 2_000;
/** With its markup: a time and a class at each word are many times the words. */
const LONGEST_GIVEN = 20_000;
const LONGEST_SECONDS = 24 * 3_600;
const TIMES =
  /^((?:\d{2,4}:)?[0-5]\d:[0-5]\d\.\d{3})[ \t]+-->[ \t]+((?:\d{2,4}:)?[0-5]\d:[0-5]\d\.\d{3})(?:[ \t].*)?$/;
/** A name ends where its letters end: tried at each of them, a tag that never ends would take the square of its length. */
const MARKUP = /<\/?(?=[A-Za-z\d])([A-Za-z]*)(?![A-Za-z])[^<>]*>|[<>]/g;
const KEPT_TAGS = new Set(['b', 'i', 'u']);

/** Cues in the order of their beginning. */
export function readCaptions(text: string): Cue[] | CaptionsProblem {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  if (!/^WEBVTT(?:[ \t]|$)/.test(lines[0] ?? '')) return 'not_captions';
  const cues: Cue[] = [];
  for (let at = 1; at < lines.length; at += 1) {
    const times = TIMES.exec(lines[at] ?? '');
    if (!times) continue;
    const body: string[] = [];
    let given = 0;
    while (at + 1 < lines.length && lines[at + 1] !== '' && !lines[at + 1]?.includes('-->')) {
      at += 1;
      body.push(lines[at] ?? '');
      given += lines[at]?.length ?? 0;
    }
    if (given > LONGEST_GIVEN) return 'cue_too_long';
    const cue = { start: readTime(times[1]), end: readTime(times[2]), text: tidy(body) };
    if (cue.text.length > LONGEST_CUE) return 'cue_too_long';
    if (cue.text !== '' && cue.end > cue.start && cue.end <= LONGEST_SECONDS) cues.push(cue);
    if (cues.length > MOST_CUES) return 'too_many_cues';
  }
  return cues.length === 0 ? 'no_cues' : cues.toSorted((one, other) => one.start - other.start);
}

/** Its times count from the beginning of the stream (RFC 8216, 3.5). */
export function writeCaptions(cues: readonly Cue[]): string {
  const head = 'WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n';
  const blocks = cues.map(({ start, end, text }) => `${writeClock(start)} --> ${writeClock(end)}\n${text}\n`);
  return [head, ...blocks].join('\n');
}

const readTime = (clock = ''): number =>
  clock.split(':').reduce((seconds, part) => 60 * seconds + Number(part), 0);

/** Known tags without their classes, everything else as text; a cue has no empty lines and no control characters. */
function tidy(lines: readonly string[]): string {
  const text = withoutGaps(lines.map((line) => line.replace(/[\p{Cc}\u2028\u2029]/gu, ' ')));
  const open: string[] = [];
  const tidied = text.replace(MARKUP, (found, name: string | undefined) => {
    if (found === '<') return '&lt;';
    if (found === '>') return '&gt;';
    const tag = (name ?? '').toLowerCase();
    if (!KEPT_TAGS.has(tag)) return '';
    if (!found.startsWith('</')) {
      open.push(tag);
      return `<${tag}>`;
    }
    if (open.at(-1) !== tag) return '';
    open.pop();
    return `</${tag}>`;
  });
  const closed =
    tidied +
    open
      .toReversed()
      .map((tag) => `</${tag}>`)
      .join('');
  // Of a line there may have been nothing but a tag.
  return withoutGaps(closed.replace(/&(?!(?:amp|lt|gt|nbsp|lrm|rlm);)/g, '&amp;').split('\n'));
}

const withoutGaps = (lines: readonly string[]): string =>
  lines
    .map((line) => line.trim())
    .filter(Boolean)
    .join('\n');
