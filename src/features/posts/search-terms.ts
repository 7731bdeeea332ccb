// Words of a text as the full-text index keeps them, and of a query as it looks them up; the same for every database.
// `%` and `_` are letters. Scripts written without blanks are cut into pairs of characters.

/** Runs of letters, digits, `%` and `_`. */
const RUN = /[\p{L}\p{M}\p{N}%_]+/gu;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}ー]+/gu;
const MAX_TERM_CHARACTERS = 64;
const MAX_QUERY_TERMS = 16;

/** The terms of a text, for the index. */
export function termsOf(text: string): string[] {
  return fold(text).flatMap((run) => [run, ...parts(run)].map(cut));
}

/** The prefixes that a query asks for, any of which is enough; at most 16. */
export function prefixesOf(query: string): string[] {
  return [...new Set(fold(query).flatMap(pairsOrRun).map(cut))].slice(0, MAX_QUERY_TERMS);
}

/** Lower case and without accents, so that `Café` is found by `cafe`. */
function fold(text: string): string[] {
  const plain = text
    .normalize('NFKD')
    .replace(/\p{Mn}+/gu, '')
    .toLowerCase()
    .normalize('NFC');
  return plain.match(RUN) ?? [];
}

/** What else a run is found by: the words inside `snake_case`, the `%` of `100%`, pairs of unspaced characters. */
function parts(run: string): string[] {
  return [...(/[%_]/.test(run) ? (run.match(/[^%_]+|[%_]+/g) ?? []) : []), ...pairs(run)];
}

function pairsOrRun(run: string): string[] {
  const found = pairs(run);
  return found.length > 0 ? found : [run];
}

function pairs(run: string): string[] {
  return (run.match(UNSPACED) ?? []).flatMap((stretch) => {
    const characters = [...stretch];
    return characters.map((character, index) => character + (characters[index + 1] ?? ''));
  });
}

const cut = (term: string): string => [...term].slice(0, MAX_TERM_CHARACTERS).join('');
