// Edits a post's words and what is said of its pictures, and takes pictures and videos off it.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useWork } from '../hooks.ts';
import { refreshPost } from '../stores/posts.ts';
import { kindOfPath } from '../texts/names.ts';
import { describePicture, editPost } from '../wire/posts.ts';
import type { Media, Post } from '../wire/shapes.ts';
import { Form } from './form.tsx';
import { IconButton } from './icon-button.tsx';
import { Icon } from './icons.tsx';
import { type Description, PictureThumb } from './picture-thumb.tsx';

export function PostEditor({ post, onDone }: { post: Post; onDone: () => void }): JSX.Element {
  const [text, setText] = useState(post.description);
  const [dropped, setDropped] = useState<readonly number[]>([]);
  const [words, setWords] = useState<Record<number, Description>>({});
  const [busy, run] = useWork();
  const left = post.media_files.filter((media) => !dropped.includes(media.id));
  const save = async (): Promise<void> => {
    await editPost(post.id, { description: text.trim(), dropMedia: [...dropped] });
    for (const media of left) {
      const said = words[media.id];
      if (said) await describePicture(media.id, said);
    }
    await refreshPost(post.id);
    onDone();
  };
  return (
    <Form class="post-editor" onSubmit={() => void run(save)}>
      <textarea
        class="growing"
        data-testid="edit-text"
        aria-label="Text of your post"
        dir="auto"
        rows={3}
        value={text}
        autofocus
        onInput={(event) => setText(event.currentTarget.value)}
      />
      {left.length > 0 && (
        <ul class="thumbs" aria-label="Attached files">
          {left.map((media) => (
            <Thumb
              key={media.id}
              media={media}
              words={words[media.id]}
              onDescribe={(said) =>
                setWords((before) => ({ ...before, [media.id]: { ...before[media.id], ...said } }))
              }
              onDrop={() => setDropped([...dropped, media.id])}
            />
          ))}
        </ul>
      )}
      <div class="form-buttons">
        <button type="button" class="button" onClick={onDone}>
          Cancel
        </button>
        <button
          type="submit"
          class="button button-main"
          data-testid="edit-submit"
          disabled={busy || (text.trim() === '' && left.length === 0)}
        >
          Save
        </button>
      </div>
    </Form>
  );
}

interface ThumbProps {
  media: Media;
  /** What is other than the post's. */
  words: Description | undefined;
  onDescribe: (description: Description) => void;
  onDrop: () => void;
}

function Thumb({ media, words, onDescribe, onDrop }: ThumbProps): JSX.Element {
  if (kindOfPath(media.file) !== 'video') {
    const { alt = '', focus = { x: 0, y: 0 } } = { ...media, ...words };
    return <PictureThumb {...{ alt, focus, onDescribe, onDrop }} url={media.file} name="picture" />;
  }
  return (
    <li class="thumb">
      <Icon name="film" />
      <IconButton icon="close" label="Remove video" onClick={onDrop} />
    </li>
  );
}
