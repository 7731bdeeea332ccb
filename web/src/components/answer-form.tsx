// One line to comment or reply. The words stay until the server has them.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useWork } from '../hooks.ts';
import { path } from '../location.ts';
import { signInPath } from '../routes.ts';
import { useStore } from '../store.ts';
import { viewer } from '../stores/viewer.ts';
import { Form } from './form.tsx';
import { Icon } from './icons.tsx';

export interface AnswerFormProps {
  kind: 'comment' | 'reply';
  label: string;
  /** Put the cursor here when it appears. */
  focus: boolean;
  send: (text: string) => Promise<void>;
}

export function AnswerForm({ kind, label, focus, send }: AnswerFormProps): JSX.Element {
  const { signedIn } = useStore(viewer);
  const [text, setText] = useState('');
  const [busy, run] = useWork();
  const input = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (focus) input.current?.focus({ preventScroll: kind === 'comment' });
  }, []);
  const submit = (): void => {
    if (text.trim() === '') return;
    void run(async () => {
      await send(text.trim());
      setText('');
    });
  };
  if (!signedIn) {
    return (
      <p class="quiet">
        <a href={signInPath(path.get())}>Sign in</a> to answer.
      </p>
    );
  }
  return (
    <Form class="answer-form" onSubmit={submit}>
      <textarea
        ref={input}
        rows={1}
        data-testid={`${kind}-input`}
        aria-label={label}
        placeholder={label}
        maxLength={5000}
        dir="auto"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          // Enter sends; Shift+Enter is a new line; Enter that ends an input method's word is neither.
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          submit();
        }}
      />
      <button
        type="submit"
        class="icon-button send"
        data-testid={`${kind}-submit`}
        aria-label="Send"
        disabled={busy || text.trim() === ''}
      >
        <Icon name="up" />
      </button>
    </Form>
  );
}
