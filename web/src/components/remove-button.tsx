// Takes back what was said, after a question.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useWork } from '../hooks.ts';
import { tellTrouble } from '../stores/notices.ts';
import { Dialog } from './dialog.tsx';
import { IconButton } from './icon-button.tsx';

export interface RemoveButtonProps {
  what: 'post' | 'comment' | 'reply';
  /** What goes with it. */
  warning: string;
  testid: string;
  remove: () => Promise<void>;
}

export function RemoveButton({ what, warning, testid, remove }: RemoveButtonProps): JSX.Element {
  const [asking, setAsking] = useState(false);
  const close = (): void => setAsking(false);
  const [busy, run] = useWork((error) => {
    close();
    tellTrouble(error);
  });
  const question = `Delete this ${what}?`;
  return (
    <>
      <IconButton testid={testid} icon="bin" label={`Delete ${what}`} onClick={() => setAsking(true)} />
      {asking && (
        <Dialog label={question} onClose={close}>
          <h2>{question}</h2>
          <p>{warning} This cannot be undone.</p>
          <div class="dialog-buttons">
            <button type="button" class="button" onClick={close}>
              Keep it
            </button>
            <button
              type="button"
              class="button button-danger"
              data-testid="delete-confirm"
              disabled={busy}
              onClick={() => void run(remove)}
            >
              Delete
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
