// Writes a new post: words, pictures, videos. Files may also be dropped or pasted in. Words survive a reload.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useBlobUrl, useWork } from '../hooks.ts';
import { chooseFile, publish, type ChosenFile } from '../stores/composing.ts';
import { tell } from '../stores/notices.ts';
import { describeBytes } from '../texts/names.ts';
import type { Profile } from '../wire/shapes.ts';
import { Avatar } from './avatar.tsx';
import { FilePicker } from './file-picker.tsx';
import { Form } from './form.tsx';
import { IconButton } from './icon-button.tsx';
import { Icon } from './icons.tsx';
import { type Description, PictureThumb } from './picture-thumb.tsx';

const ACCEPTED = 'image/*,.jpg,.jpeg,.png,.gif,.heic,.heif,.mp4,.mov,.avi,.wmv';

export function Composer({ author }: { author: Profile }): JSX.Element {
  const draftKey = `veranda.draft.${author.id}`;
  const [text, setText] = useState(() => sessionStorage.getItem(draftKey) ?? '');
  const [files, setFiles] = useState<readonly ChosenFile[]>([]);
  const [busy, run] = useWork();
  const empty = text.trim() === '' && files.length === 0;
  const write = (words: string): void => {
    setText(words);
    sessionStorage.setItem(draftKey, words);
  };
  const add = (list: Iterable<File> = []): void => {
    const chosen = [...list].map(chooseFile);
    const good = chosen.filter((file) => file !== undefined);
    if (good.length < chosen.length) tell('Only pictures and videos (mp4, mov, avi, wmv) can be added.');
    setFiles((before) => [...before, ...good]);
  };
  const submit = (): void => {
    if (empty) return;
    void run(async () => {
      await publish(author, text.trim(), files);
      write('');
      setFiles([]);
    });
  };
  return (
    <Form class="card composer" label="New post" onSubmit={submit} onDropFiles={add}>
      <Words author={author} text={text} onWrite={write} onPaste={add} onSend={submit} />
      {files.length > 0 && (
        <ul class="thumbs" aria-label="Chosen files">
          {files.map((chosen) => (
            <ChosenThumb
              key={chosen.id}
              chosen={chosen}
              onDescribe={(words) =>
                setFiles((before) => before.map((one) => (one.id === chosen.id ? { ...one, ...words } : one)))
              }
              onDrop={() => setFiles(files.filter((other) => other.id !== chosen.id))}
            />
          ))}
        </ul>
      )}
      <div class="composer-foot">
        <FilePicker
          testid="composer-file"
          accept={ACCEPTED}
          multiple
          onChoose={add}
          button={(open) => (
            <button type="button" class="button button-quiet" onClick={open}>
              <Icon name="picture" />
              Pictures or videos
            </button>
          )}
        />
        <button
          type="submit"
          class="button button-main"
          data-testid="composer-submit"
          disabled={busy || empty}
        >
          {busy ? 'Posting' : 'Post'}
        </button>
      </div>
    </Form>
  );
}

interface WordsProps {
  author: Profile;
  text: string;
  onWrite: (text: string) => void;
  onPaste: (files: Iterable<File> | undefined) => void;
  onSend: () => void;
}

function Words({ author, text, onWrite, onPaste, onSend }: WordsProps): JSX.Element {
  return (
    <div class="composer-words">
      <Avatar person={author} size="medium" />
      <textarea
        class="growing"
        data-testid="composer-text"
        aria-label="What would you like to share?"
        placeholder="What would you like to share?"
        dir="auto"
        rows={2}
        value={text}
        onInput={(event) => onWrite(event.currentTarget.value)}
        onPaste={(event) => onPaste(event.clipboardData?.files)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) onSend();
        }}
      />
    </div>
  );
}

interface ChosenThumbProps {
  chosen: ChosenFile;
  onDescribe: (description: Description) => void;
  onDrop: () => void;
}

function ChosenThumb({ chosen, onDescribe, onDrop }: ChosenThumbProps): JSX.Element {
  const url = useBlobUrl(chosen.kind === 'picture' ? chosen.file : undefined);
  if (chosen.kind === 'picture') {
    const { alt, focus } = chosen;
    return <PictureThumb {...{ url, alt, focus, onDescribe, onDrop }} name={chosen.file.name} />;
  }
  return (
    <li class="thumb">
      <Icon name="film" />
      <span class="thumb-name">
        {chosen.file.name} · {describeBytes(chosen.file.size)}
      </span>
      <IconButton icon="close" label={`Remove ${chosen.file.name}`} onClick={onDrop} />
    </li>
  );
}
