// Words of a text as the full-text index keeps them, and of a query as it looks them up; the same for every database.
// `%` and `_` are letters. Scripts written without blanks are cut into pairs of characters.

/** Runs of letters, digits, `%` and `_`. */
const RUN = /[\p{L}\p{M}\p{N}%_]+/gu;
const UNSPACED = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}ー`;
/** Stretches written without blanks, and what stands between them. */
const STRETCH = new RegExp(`([${UNSPACED}]+)|[^${UNSPACED}]+`, 'gu');
/** More marks than any script stacks (UAX 15, stream-safe text), and letters that become such; putting them in order takes a time that grows with their square. */
const STACK = /([\p{M}ﾞﾟ]{30})[\p{M}ﾞﾟ]+/gu;
const MAX_TERM_CHARACTERS = 64;
const MAX_QUERY_TERMS = 16;
/** A prefix so short is that of a good part of all words, and PostgreSQL goes through all of them. */
const SHORT_CHARACTERS = 2;
const MAX_SHORT_TERMS = 2;

/** The terms of a text, for the index. */
export function termsOf(text: string): string[] {
  return fold(text).flatMap((run) => [run, ...parts(run)].map(cut));
}

/** The prefixes that a query asks for, any of which is enough: at most 16, and of those with one or two letters the first two. */
export function prefixesOf(query: string): string[] {
  const asked = new Set<string>();
  let short = 0;
  for (const { text, isUnspaced } of fold(query).flatMap(stretches)) {
    const isShort = !isUnspaced && text.length <= SHORT_CHARACTERS;
    if (isShort && (asked.has(text) || (short += 1) > MAX_SHORT_TERMS)) continue;
    for (const prefix of isUnspaced ? wholePairs(text) : [text]) asked.add(cut(prefix));
  }
  return [...asked].slice(0, MAX_QUERY_TERMS);
}

/** Lower case and without accents, so that `Café` is found by `cafe`. */
function fold(text: string): string[] {
  const plain = text
    .replace(STACK, '$1')
    .normalize('NFKD')
    .replace(/\p{Mn}+/gu, '')
    .toLowerCase()
    .normalize('NFC');
  return plain.match(RUN) ?? [];
}

/** What else a run is found by: the words inside `snake_case`, the `%` of `100%`, and where it is unspaced each pair and each word between. */
function parts(run: string): string[] {
  const words = /[%_]/.test(run) ? (run.match(/[^%_]+|[%_]+/g) ?? []) : [];
  const found = stretches(run);
  if (!found.some(({ isUnspaced }) => isUnspaced)) return words;
  return [...words, ...found.flatMap(({ text, isUnspaced }) => (isUnspaced ? pairs(text) : [text]))];
}

function stretches(run: string): { text: string; isUnspaced: boolean }[] {
  return [...run.matchAll(STRETCH)].map(([text, unspaced]) => ({ text, isUnspaced: unspaced !== undefined }));
}

/** Each character with the next one; the last alone, so that it is found too. */
function pairs(stretch: string): string[] {
  const characters = [...stretch];
  return characters.map((character, index) => character + (characters[index + 1] ?? ''));
}

/** The last character alone says nothing that the last pair does not say better. */
const wholePairs = (stretch: string): string[] => {
  const found = pairs(stretch);
  return found.length > 1 ? found.slice(0, -1) : found;
};

const cut = (term: string): string => [...term].slice(0, MAX_TERM_CHARACTERS).join('');
