import type { JSX } from 'preact';
import { Logo } from '../components/brand.tsx';
import { useTitle } from '../hooks.ts';

/** For addresses that lead nowhere, and for what is gone. */
export function LostView({ what = 'This page' }: { what?: string }): JSX.Element {
  useTitle('Not here');
  return (
    <div class="lost">
      <Logo />
      <h1>{what} is not here</h1>
      <p class="quiet">It may have been taken away, or the address has a slip in it.</p>
      <a class="button button-main" href="/">
        Back home
      </a>
    </div>
  );
}
