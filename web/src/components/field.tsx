// A labelled input with its hint and the server's complaints beside it.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { IconButton } from './icon-button.tsx';

export interface FieldProps {
  name: string;
  label: string;
  type?: 'text' | 'email' | 'password';
  autocomplete: string;
  value?: string;
  hint?: string;
  errors?: readonly string[] | undefined;
  required?: boolean;
  maxLength?: number;
  autofocus?: boolean;
}

export function Field(props: FieldProps): JSX.Element {
  const { name, label, type = 'text', errors = [], hint } = props;
  // One form at a time is shown, so the name tells fields apart.
  const id = `field-${name}`;
  const [shown, setShown] = useState(false);
  const notes = [hint ? `${id}-hint` : '', errors.length > 0 ? `${id}-errors` : ''].filter(Boolean).join(' ');
  return (
    <div class={errors.length > 0 ? 'field field-wrong' : 'field'}>
      <label for={id}>{label}</label>
      <div class="field-row">
        <input
          id={id}
          name={name}
          type={(shown ? 'text' : type) as 'text'}
          defaultValue={props.value ?? ''}
          autocomplete={props.autocomplete as 'on'}
          autocapitalize={type === 'text' && name !== 'username' ? 'words' : 'none'}
          spellcheck={false}
          required={props.required ?? true}
          maxLength={props.maxLength ?? 150}
          autofocus={props.autofocus ?? false}
          aria-invalid={errors.length > 0}
          aria-describedby={notes === '' ? undefined : notes}
        />
        {type === 'password' && (
          <IconButton icon="eye" label="Show password" pressed={shown} onClick={() => setShown(!shown)} />
        )}
      </div>
      {hint && (
        <p class="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {errors.length > 0 && <Complaints id={`${id}-errors`} errors={errors} />}
    </div>
  );
}

export function Complaints({ id, errors }: { id?: string; errors: readonly string[] }): JSX.Element | null {
  if (errors.length === 0) return null;
  return (
    <div class="complaints" id={id} role="alert">
      {errors.map((error) => (
        <p key={error}>{error}</p>
      ))}
    </div>
  );
}
