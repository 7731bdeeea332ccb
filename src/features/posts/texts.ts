// What may be said: any Unicode text up to a length, kept exactly as it came.
import { invalid } from '../../platform/errors.ts';
import { isLonger } from '../../platform/text-length.ts';

/** Throws `invalid` for a text that is too long or cannot be stored as it is (NUL, halves of surrogate pairs). */
export function checkText(text: string, maxCharacters: number): void {
  if (isLonger(text, maxCharacters)) {
    throw invalid('text_too_long', `Texts may have at most ${maxCharacters} characters.`);
  }
  if (!text.isWellFormed() || text.includes('\0'))
    throw invalid('text_not_valid', 'This text has characters that are not valid.');
}
