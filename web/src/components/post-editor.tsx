// Edits a post's words and takes pictures and videos off it.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useWork } from '../hooks.ts';
import { refreshPost } from '../stores/posts.ts';
import { kindOfPath } from '../texts/names.ts';
import { editPost } from '../wire/posts.ts';
import type { Media, Post } from '../wire/shapes.ts';
import { Form } from './form.tsx';
import { IconButton } from './icon-button.tsx';
import { Icon } from './icons.tsx';

export function PostEditor({ post, onDone }: { post: Post; onDone: () => void }): JSX.Element {
  const [text, setText] = useState(post.description);
  const [dropped, setDropped] = useState<readonly number[]>([]);
  const [busy, run] = useWork();
  const left = post.media_files.filter((media) => !dropped.includes(media.id));
  const save = async (): Promise<void> => {
    await editPost(post.id, { description: text.trim(), dropMedia: [...dropped] });
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
            <Thumb key={media.id} media={media} onDrop={() => setDropped([...dropped, media.id])} />
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

function Thumb({ media, onDrop }: { media: Media; onDrop: () => void }): JSX.Element {
  const isVideo = kindOfPath(media.file) === 'video';
  return (
    <li class="thumb">
      {isVideo ? <Icon name="film" /> : <img src={media.file} alt="" />}
      <IconButton icon="close" label={isVideo ? 'Remove video' : 'Remove picture'} onClick={onDrop} />
    </li>
  );
}
