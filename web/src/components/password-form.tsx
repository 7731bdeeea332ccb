// A new password, for whoever knows the present one.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useWork } from '../hooks.ts';
import { tell } from '../stores/notices.ts';
import { changePassword } from '../wire/accounts.ts';
import { explainForm, type FormErrors } from '../wire/failures.ts';
import { Complaints, Field } from './field.tsx';
import { Form } from './form.tsx';

export function PasswordForm({ onDone }: { onDone: () => void }): JSX.Element {
  const [errors, setErrors] = useState<FormErrors>({});
  const [busy, run] = useWork((error) => setErrors(explainForm(error)));
  const change = async (entries: FormData): Promise<void> => {
    setErrors({});
    const read = (name: string): string => String(entries.get(name) ?? '');
    await changePassword({ password: read('password'), new_password: read('new_password') });
    tell('Your password is changed. On other devices you are signed out.');
    onDone();
  };
  return (
    <Form
      class="stack"
      testid="password-form"
      onSubmit={(form) => void run(() => change(new FormData(form)))}
    >
      <Field
        name="password"
        label="Present password"
        type="password"
        autocomplete="current-password"
        maxLength={1024}
        errors={errors['password']}
      />
      <Field
        name="new_password"
        label="New password"
        type="password"
        autocomplete="new-password"
        maxLength={1024}
        errors={errors['new_password']}
      />
      <Complaints errors={errors['problem'] ?? []} />
      <div class="dialog-buttons">
        <button type="submit" class="button" data-testid="password-save" disabled={busy}>
          Change password
        </button>
      </div>
    </Form>
  );
}
