// The name of a file in Content-Disposition (RFC 6266, RFC 8187).
import { isUtf8 } from 'node:buffer';
import { invalid } from '../../platform/errors.ts';

/** Of `filename*` and `filename` the first; empty when there is none. Throws `invalid` (`filename_not_valid`). */
export function parseFilename(header: string): string {
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, token = ''] of header.matchAll(
    /;\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/g,
  ))
    parameters.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? token);
  const extended = parameters.get('filename*');
  return extended === undefined ? asUtf8(parameters.get('filename') ?? '') : decodeExtended(extended);
}

function decodeExtended(value: string): string {
  const [, encoded] = /^utf-8'[^']*'(.*)$/i.exec(value) ?? [];
  try {
    if (encoded !== undefined) return decodeURIComponent(encoded);
  } catch {
    // Refused like another charset.
  }
  throw invalid('filename_not_valid', 'The filename in Content-Disposition is not UTF-8.');
}

/** Node gives the bytes of a header as Latin-1; clients write UTF-8. */
function asUtf8(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : text;
}
