// Somebody's words: line breaks kept by the style sheet, web addresses clickable, nothing else interpreted.
import type { JSX } from 'preact';
import { splitLinks } from '../texts/links.ts';

export function PlainText({ text }: { text: string }): JSX.Element {
  return (
    <p class="plain-text" dir="auto">
      {splitLinks(text).map((part) =>
        part.href === undefined ? (
          part.text
        ) : (
          <a href={part.href} target="_blank" rel="noopener noreferrer nofollow ugc">
            {part.text}
          </a>
        ),
      )}
    </p>
  );
}
