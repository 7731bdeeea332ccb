import type { JSX } from 'preact';
import { useStore } from '../store.ts';
import { dismiss, notices } from '../stores/notices.ts';
import { IconButton } from './icon-button.tsx';

export function NoticeList(): JSX.Element {
  return (
    <div class="notices" role="status" aria-live="polite">
      {useStore(notices).map(({ id, text, tone, action }) => (
        <div key={id} class={`notice notice-${tone}`}>
          <p>{text}</p>
          {action && (
            <button
              type="button"
              class="button button-small"
              onClick={() => {
                dismiss(id);
                action.run();
              }}
            >
              {action.label}
            </button>
          )}
          <IconButton icon="close" label="Dismiss" onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}
