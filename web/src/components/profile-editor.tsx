import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useWork } from '../hooks.ts';
import { tell } from '../stores/notices.ts';
import { explain } from '../wire/failures.ts';
import type { ProfileChange } from '../wire/profiles.ts';
import type { Profile } from '../wire/shapes.ts';
import { Dialog } from './dialog.tsx';
import { Complaints, Field } from './field.tsx';
import { Form } from './form.tsx';

export interface ProfileEditorProps {
  profile: Profile;
  onSave: (change: ProfileChange) => Promise<void>;
  onClose: () => void;
}

export function ProfileEditor({ profile, onSave, onClose }: ProfileEditorProps): JSX.Element {
  const [problem, setProblem] = useState<string>();
  const [busy, run] = useWork((error) => setProblem(explain(error)));
  const save = async (entries: FormData): Promise<void> => {
    const read = (name: string): string => String(entries.get(name) ?? '').trim();
    await onSave({ first_name: read('first_name'), last_name: read('last_name'), bio: read('bio') });
    tell('Your profile is saved.');
    onClose();
  };
  return (
    <Dialog label="Edit profile" onClose={onClose}>
      <h2>Edit profile</h2>
      <Form class="stack" onSubmit={(form) => void run(() => save(new FormData(form)))}>
        <div class="field-pair">
          <Field name="first_name" label="First name" autocomplete="given-name" value={profile.firstname} />
          <Field name="last_name" label="Last name" autocomplete="family-name" value={profile.lastname} />
        </div>
        <div class="field">
          <label for="field-bio">About you</label>
          <textarea
            id="field-bio"
            name="bio"
            rows={4}
            maxLength={500}
            dir="auto"
            defaultValue={profile.bio}
          />
        </div>
        {problem && <Complaints errors={[problem]} />}
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button button-main" data-testid="profile-save" disabled={busy}>
            Save
          </button>
        </div>
      </Form>
    </Dialog>
  );
}
