// Which scripts a text is written in (UTS 39 section 5.1). Digits, signs and marks that several scripts share count
// as each of these.

/** Those in everyday use (UAX 31, table 5); all the others count as one. */
const SCRIPTS = [
  ...['Arabic', 'Armenian', 'Bengali', 'Bopomofo', 'Cyrillic', 'Devanagari', 'Ethiopic', 'Georgian', 'Greek'],
  ...['Gujarati', 'Gurmukhi', 'Han', 'Hangul', 'Hebrew', 'Hiragana', 'Kannada', 'Katakana', 'Khmer', 'Lao'],
  ...['Latin', 'Malayalam', 'Myanmar', 'Oriya', 'Sinhala', 'Tamil', 'Telugu', 'Thaana', 'Thai', 'Tibetan'],
];

/** Japanese, Chinese and Korean, and Latin beside them: the "highly restrictive" level of UTS 39 section 5.2. */
const WRITTEN_TOGETHER = [
  ['Latin', 'Han', 'Hiragana', 'Katakana'],
  ['Latin', 'Han', 'Bopomofo'],
  ['Latin', 'Han', 'Hangul'],
];

const classOf = (scripts: readonly string[]): string =>
  scripts.map((script) => String.raw`\p{Script_Extensions=${script}}`).join('');
const writtenIn = (scripts: readonly string[]): RegExp =>
  new RegExp(`^[${classOf(['Common', 'Inherited', ...scripts])}]*$`, 'u');

const ONE = [...SCRIPTS.map((script) => writtenIn([script])), new RegExp(`^[^${classOf(SCRIPTS)}]*$`, 'u')];
const PERMITTED = [...ONE, ...WRITTEN_TOGETHER.map(writtenIn)];

/** Whether letters stand side by side that no language writes together. */
export const mixesScripts = (text: string): boolean => !PERMITTED.some((pattern) => pattern.test(text));

/** Whether both can be of one and the same script. */
export const shareScript = (one: string, other: string): boolean =>
  ONE.some((pattern) => pattern.test(one + other));
