import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { AuthFrame } from '../components/auth-frame.tsx';
import { Complaints, Field, type FieldProps } from '../components/field.tsx';
import { FilePicker } from '../components/file-picker.tsx';
import { Icon } from '../components/icons.tsx';
import { Form } from '../components/form.tsx';
import { useBlobUrl, useTitle, useWork } from '../hooks.ts';
import { navigate } from '../location.ts';
import { PORTRAIT_LIMIT, scalePicture } from '../pictures.ts';
import { signInPath } from '../routes.ts';
import { tell } from '../stores/notices.ts';
import { readDataUrl } from '../uploads/chunks.ts';
import { signIn, signUp } from '../wire/accounts.ts';
import { explainForm, type FormErrors } from '../wire/failures.ts';

const FIELDS: readonly FieldProps[] = [
  { name: 'first_name', label: 'First name', autocomplete: 'given-name' },
  { name: 'last_name', label: 'Last name', autocomplete: 'family-name' },
  { name: 'username', label: 'User name', autocomplete: 'username', hint: 'Letters, digits and @ . + - _' },
  { name: 'email', label: 'E-mail', type: 'email', autocomplete: 'email', maxLength: 254 },
  {
    name: 'password',
    label: 'Password',
    type: 'password',
    autocomplete: 'new-password',
    hint: 'At least 8 characters, not only digits, nothing common.',
    maxLength: 1024,
  },
];
/** Complaints with a place of their own; the rest is shown below the form. */
const PLACED = new Set([...FIELDS.map((field) => field.name), 'profile_image']);

export function SignUpView({ next }: { next: string }): JSX.Element {
  useTitle('Make an account');
  const [errors, setErrors] = useState<FormErrors>({});
  const [portrait, setPortrait] = useState<Blob>();
  const [busy, run] = useWork();
  const submit = async (form: HTMLFormElement): Promise<void> => {
    setErrors({});
    const found = await register(new FormData(form), portrait, next);
    setErrors(found);
    const wrong = FIELDS.find((field) => found[field.name]);
    if (wrong) form.querySelector<HTMLInputElement>(`[name=${wrong.name}]`)?.focus();
  };
  return (
    <AuthFrame title="Make an account">
      <Form class="stack" testid="signup-form" onSubmit={(form) => void run(() => submit(form))}>
        <PortraitField portrait={portrait} onChoose={setPortrait} errors={errors['profile_image']} />
        <SignUpFields errors={errors} />
        <Complaints errors={restOf(errors)} />
        <button
          type="submit"
          class="button button-main button-wide"
          data-testid="signup-submit"
          disabled={busy}
        >
          Make an account
        </button>
      </Form>
      <p class="porch-other">
        Already here? <a href={signInPath(next)}>Sign in</a>
      </p>
    </AuthFrame>
  );
}

function SignUpFields({ errors }: { errors: FormErrors }): JSX.Element {
  const [first, last, ...rest] = FIELDS.map((field) => (
    <Field key={field.name} {...field} errors={errors[field.name]} />
  ));
  return (
    <>
      <div class="field-pair">
        {first}
        {last}
      </div>
      {rest}
    </>
  );
}

interface PortraitFieldProps {
  portrait: Blob | undefined;
  onChoose: (portrait: Blob | undefined) => void;
  errors: string[] | undefined;
}

function PortraitField({ portrait, onChoose, errors = [] }: PortraitFieldProps): JSX.Element {
  const url = useBlobUrl(portrait);
  const [unreadable, setUnreadable] = useState(false);
  const take = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    const scaled = await scalePicture(file, PORTRAIT_LIMIT).catch(() => undefined);
    setUnreadable(!scaled);
    onChoose(scaled);
  };
  return (
    <div class="portrait-field">
      <FilePicker
        testid="signup-picture"
        name="profile_image"
        onChoose={([file]) => void take(file)}
        button={(open) => (
          <button
            type="button"
            class="portrait-button"
            aria-label={url ? 'Change your picture' : 'Add a picture (optional)'}
            onClick={open}
          >
            {url ? <img src={url} alt="" /> : <Icon name="camera" />}
          </button>
        )}
      />
      <p class="field-hint">{url ? 'Your picture' : 'A picture, if you like'}</p>
      {url && (
        <button type="button" class="button button-small button-quiet" onClick={() => onChoose(undefined)}>
          Remove
        </button>
      )}
      <Complaints errors={unreadable ? ['This file cannot be read as a picture.'] : errors} />
    </div>
  );
}

/** Signs up and in. Answers the complaints; none means that it is done. */
async function register(entries: FormData, portrait: Blob | undefined, next: string): Promise<FormErrors> {
  const read = (name: string): string => String(entries.get(name) ?? '');
  const username = read('username').trim();
  const password = read('password');
  try {
    await signUp({
      username,
      first_name: read('first_name').trim(),
      last_name: read('last_name').trim(),
      email: read('email').trim(),
      password,
      profile_image: portrait ? await readDataUrl(portrait) : '',
    });
  } catch (error) {
    return explainForm(error);
  }
  try {
    await signIn({ username, password });
  } catch {
    tell('Your account is made. Please sign in.');
    navigate(signInPath(next));
  }
  return {};
}

function restOf(errors: FormErrors): string[] {
  return Object.entries(errors).flatMap(([field, sentences]) => (PLACED.has(field) ? [] : sentences));
}
