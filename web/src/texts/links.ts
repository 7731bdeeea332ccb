// Finds web addresses in plain text. Only http and https ever become links.

export interface TextPart {
  text: string;
  /** An absolute http(s) address where the part is a link. */
  href?: string;
}

export function splitLinks(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  for (const match of text.matchAll(/\b(?:https?:\/\/|www\.)[^\s<>"']+/giu)) {
    const shown = trimEnding(match[0]);
    const href = readAddress(shown);
    if (href === undefined) continue;
    if (match.index > from) parts.push({ text: text.slice(from, match.index) });
    parts.push({ text: shown, href });
    from = match.index + shown.length;
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return parts;
}

function readAddress(shown: string): string | undefined {
  const address = /^www\./i.test(shown) ? `https://${shown}` : shown;
  if (!URL.canParse(address)) return undefined;
  const url = new URL(address);
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
  // A name before @ would show one host and open another.
  return isWeb && url.username === '' && url.hostname.length > 0 ? url.href : undefined;
}

/** The sentence's own punctuation is no part of the address; a closing bracket is, where it was opened inside. */
function trimEnding(address: string): string {
  let end = address.length;
  while (end > 0) {
    const last = address.charAt(end - 1);
    const unopened = last === ')' && !address.slice(0, end).includes('(');
    if (!unopened && !'.,;:!?…*_~]}'.includes(last)) break;
    end -= 1;
  }
  return address.slice(0, end);
}
