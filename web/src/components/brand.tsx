// The sign over the door: an awning on two posts.
import type { JSX } from 'preact';
import { useStore } from '../store.ts';
import { site } from '../stores/site.ts';

export function Logo(): JSX.Element {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path
        class="logo-cloth"
        d="M6.2 5.5h19.6l2.2 7.6a3 3 0 0 1-6 0 3 3 0 0 1-6 0 3 3 0 0 1-6 0 3 3 0 0 1-6 0Z"
      />
      <path class="logo-stripe" d="M10.9 5.5H16v7.6a3 3 0 0 1-6 0ZM20.9 5.5h4.9l2.2 7.6a3 3 0 0 1-6 0Z" />
      <path class="logo-frame" d="M7 18v8M25 18v8M4.5 26.5h23" />
    </svg>
  );
}

export function Wordmark(): JSX.Element {
  const { name } = useStore(site);
  return (
    <span class="wordmark">
      <Logo />
      <span>{name}</span>
    </span>
  );
}
