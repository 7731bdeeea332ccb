// The end of one's account, for whoever knows its password.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useWork } from '../hooks.ts';
import { navigate } from '../location.ts';
import { tell } from '../stores/notices.ts';
import { viewer } from '../stores/viewer.ts';
import { forgetAllBy } from '../uploads/queue.ts';
import { deleteAccount } from '../wire/accounts.ts';
import { explainForm, type FormErrors } from '../wire/failures.ts';
import { Complaints, Field } from './field.tsx';
import { Form } from './form.tsx';

export function DepartureForm(): JSX.Element {
  const [errors, setErrors] = useState<FormErrors>({});
  const [busy, run] = useWork((error) => setErrors(explainForm(error)));
  const leave = async (entries: FormData): Promise<void> => {
    setErrors({});
    const own = viewer.get().profile?.id;
    await deleteAccount(String(entries.get('departure_password') ?? ''));
    navigate('/', { replace: true });
    tell('Your account is deleted.');
    if (own !== undefined) await forgetAllBy(own);
  };
  return (
    <Form
      class="stack"
      testid="departure-form"
      onSubmit={(form) => void run(() => leave(new FormData(form)))}
    >
      <p>
        All that you said, liked and uploaded goes with it, and what others answered to your posts. This
        cannot be undone.
      </p>
      <Field
        name="departure_password"
        label="Your password"
        type="password"
        autocomplete="current-password"
        maxLength={1024}
        errors={errors['password']}
      />
      <Complaints errors={errors['problem'] ?? []} />
      <div class="dialog-buttons">
        <button type="submit" class="button button-danger" data-testid="departure-confirm" disabled={busy}>
          Delete my account
        </button>
      </div>
    </Form>
  );
}
