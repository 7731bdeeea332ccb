// Names, words about oneself, and what is to be seen on one's picture and cover, if there are any.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useWork } from '../hooks.ts';
import { tell } from '../stores/notices.ts';
import { explain } from '../wire/failures.ts';
import type { ProfileChange } from '../wire/profiles.ts';
import type { Profile } from '../wire/shapes.ts';
import { isDefaultPicture } from './avatar.tsx';
import { DepartureForm } from './departure-form.tsx';
import { Dialog } from './dialog.tsx';
import { Complaints, Field } from './field.tsx';
import { Form } from './form.tsx';
import { PasswordForm } from './password-form.tsx';
import { type Description, PictureThumb } from './picture-thumb.tsx';

export interface ProfileEditorProps {
  profile: Profile;
  onSave: (change: ProfileChange) => Promise<void>;
  onClose: () => void;
}

export function ProfileEditor({ profile, onSave, onClose }: ProfileEditorProps): JSX.Element {
  const [problem, setProblem] = useState<string>();
  const [busy, run] = useWork((error) => setProblem(explain(error)));
  const [picture, setPicture] = useState<Description>({});
  const [cover, setCover] = useState<Description>({});
  const save = async (entries: FormData): Promise<void> => {
    const read = (name: string): string => String(entries.get(name) ?? '').trim();
    await onSave({
      ...{ first_name: read('first_name'), last_name: read('last_name'), bio: read('bio') },
      profile_image_alt: picture.alt?.trim(),
      cover_image_alt: cover.alt?.trim(),
      cover_image_focus: cover.focus,
    });
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
        <Pictures
          {...{ profile, picture, cover }}
          onDescribePicture={(said) => setPicture((before) => ({ ...before, ...said }))}
          onDescribeCover={(said) => setCover((before) => ({ ...before, ...said }))}
        />
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
      <details class="fold">
        <summary>Change password</summary>
        <PasswordForm onDone={onClose} />
      </details>
      <details class="fold">
        <summary>Delete account</summary>
        <DepartureForm />
      </details>
    </Dialog>
  );
}

interface PicturesProps {
  profile: Profile;
  picture: Description;
  cover: Description;
  onDescribePicture: (said: Description) => void;
  onDescribeCover: (said: Description) => void;
}

/** A picture is shown round and small, with nothing to choose; a cover is cropped as the screen wants it. */
function Pictures({ profile, picture, cover, ...on }: PicturesProps): JSX.Element | null {
  const { profile_picture, cover_image } = profile;
  const [hasPicture, hasCover] = [!isDefaultPicture(profile_picture), !isDefaultPicture(cover_image)];
  if (!hasPicture && !hasCover) return null;
  return (
    <ul class="thumbs" aria-label="Your pictures">
      {hasPicture && (
        <PictureThumb
          url={profile_picture}
          name="your picture"
          alt={picture.alt ?? profile.profile_picture_alt ?? ''}
          onDescribe={on.onDescribePicture}
        />
      )}
      {hasCover && (
        <PictureThumb
          url={cover_image}
          name="your cover"
          alt={cover.alt ?? profile.cover_image_alt ?? ''}
          focus={cover.focus ?? profile.cover_image_focus ?? { x: 0, y: 0 }}
          onDescribe={on.onDescribeCover}
        />
      )}
    </ul>
  );
}
