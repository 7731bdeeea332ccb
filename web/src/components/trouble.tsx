// In place of something that could not be read.
import type { JSX } from 'preact';
import { explain } from '../wire/failures.ts';
import { Icon } from './icons.tsx';

export function Trouble({ failure, retry }: { failure: unknown; retry: () => void }): JSX.Element {
  return (
    <div class="trouble" role="alert">
      <p>{explain(failure)}</p>
      <button type="button" class="button" onClick={retry}>
        <Icon name="retry" />
        Try again
      </button>
    </div>
  );
}
