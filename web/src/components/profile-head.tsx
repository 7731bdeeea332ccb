// Cover, picture, names, words about oneself, followers; with the means to follow, or to change it if it is one's own.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useWork } from '../hooks.ts';
import { COVER_LIMIT, PORTRAIT_LIMIT, scaleToDataUrl, type PictureLimit } from '../pictures.ts';
import { useStore } from '../store.ts';
import { followed } from '../stores/feed.ts';
import { tell, tellTrouble } from '../stores/notices.ts';
import { viewer } from '../stores/viewer.ts';
import { countOf, fullName } from '../texts/names.ts';
import { WireFailure } from '../wire/failures.ts';
import { changeProfile, setFollowing, type ProfileChange } from '../wire/profiles.ts';
import type { Profile } from '../wire/shapes.ts';
import { Avatar, isDefaultPicture } from './avatar.tsx';
import { FilePicker } from './file-picker.tsx';
import { IconButton } from './icon-button.tsx';
import { Icon } from './icons.tsx';
import { Photo } from './photo.tsx';
import { PlainText } from './plain-text.tsx';
import { ProfileEditor } from './profile-editor.tsx';

export interface ProfileHeadProps {
  profile: Profile;
  isOwn: boolean;
  onChange: (profile: Profile) => void;
}

export function ProfileHead({ profile, isOwn, onChange }: ProfileHeadProps): JSX.Element {
  const [editing, setEditing] = useState(false);
  const change = async (what: ProfileChange): Promise<void> =>
    onChange(await changeProfile(profile.id, what));
  return (
    <section class="card profile-head" aria-label="Profile">
      <Cover profile={profile}>
        {isOwn && (
          <PictureButton
            label="Change cover"
            limit={COVER_LIMIT}
            onChoose={(cover_image) => change({ cover_image })}
          />
        )}
      </Cover>
      <div class="profile-row">
        <div class="profile-face">
          <Avatar person={profile} size="large" alt={profile.profile_picture_alt} />
          {isOwn && (
            <PictureButton
              label="Change picture"
              limit={PORTRAIT_LIMIT}
              onChoose={(profile_image) => change({ profile_image })}
            />
          )}
        </div>
        {isOwn ? (
          <button type="button" class="button" data-testid="profile-edit" onClick={() => setEditing(true)}>
            <Icon name="pencil" />
            Edit profile
          </button>
        ) : (
          <FollowButton profile={profile} onChange={onChange} />
        )}
      </div>
      <h1>{fullName(profile)}</h1>
      <p class="quiet">
        @{profile.username} ·{' '}
        <span data-testid="follower-count" data-count={profile.followers.length}>
          {countOf(profile.followers.length, 'follower', 'followers')}
        </span>
      </p>
      {profile.bio !== '' && <PlainText text={profile.bio} />}
      {editing && <ProfileEditor profile={profile} onSave={change} onClose={() => setEditing(false)} />}
    </section>
  );
}

function Cover({ profile, children }: { profile: Profile; children: JSX.Element | false }): JSX.Element {
  const path = profile.cover_image;
  const [broken, setBroken] = useState<string>();
  const drawn = isDefaultPicture(path) || broken === path;
  return (
    <div class={drawn ? 'cover cover-drawn' : 'cover'}>
      {!drawn && (
        <Photo
          file={path}
          sources={profile.cover_image_sources}
          blurhash={profile.cover_image_blurhash}
          focus={profile.cover_image_focus}
          alt={profile.cover_image_alt ?? ''}
          sizes="(min-width: 644px) 620px, 100vw"
          onBroken={() => setBroken(path)}
        />
      )}
      {children}
    </div>
  );
}

interface PictureButtonProps {
  label: string;
  limit: PictureLimit;
  onChoose: (dataUrl: string) => Promise<void>;
}

function PictureButton({ label, limit, onChoose }: PictureButtonProps): JSX.Element {
  const [busy, run] = useWork((error) => {
    if (error instanceof WireFailure) tellTrouble(error);
    else tell('This file cannot be read as a picture.');
  });
  return (
    <FilePicker
      testid={label === 'Change cover' ? 'cover-file' : 'portrait-file'}
      onChoose={([file]) => file && void run(async () => onChoose(await scaleToDataUrl(file, limit)))}
      button={(open) => (
        <IconButton class="picture-button" icon="camera" label={label} busy={busy} onClick={open} />
      )}
    />
  );
}

function FollowButton({ profile, onChange }: Omit<ProfileHeadProps, 'isOwn'>): JSX.Element {
  const own = useStore(viewer).profile;
  const [busy, run] = useWork();
  const following = own !== undefined && profile.followers.includes(own.id);
  const toggle = async (): Promise<void> => {
    onChange(await setFollowing(profile.id, !following));
    followed.reset();
  };
  return (
    <button
      type="button"
      class={following ? 'button' : 'button button-main'}
      data-testid="follow"
      aria-pressed={following}
      disabled={busy}
      onClick={() => void run(toggle)}
    >
      <Icon name={following ? 'check' : 'plus'} />
      {following ? 'Following' : 'Follow'}
    </button>
  );
}
