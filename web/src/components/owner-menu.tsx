// What an author may do with a post: edit and delete, the latter only after a question.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useWork } from '../hooks.ts';
import { takeOut } from '../stores/feed.ts';
import { tell, tellTrouble } from '../stores/notices.ts';
import { forgetPost } from '../stores/posts.ts';
import { cancelAllOf } from '../uploads/queue.ts';
import { deletePost } from '../wire/posts.ts';
import { Dialog } from './dialog.tsx';
import { IconButton } from './icon-button.tsx';

export function OwnerMenu({ postId, onEdit }: { postId: number; onEdit: () => void }): JSX.Element {
  const [asking, setAsking] = useState(false);
  const [busy, run] = useWork((error) => {
    setAsking(false);
    tellTrouble(error);
  });
  const remove = async (): Promise<void> => {
    await deletePost(postId);
    await cancelAllOf(postId);
    takeOut(postId);
    forgetPost(postId);
    tell('Your post is deleted.');
  };
  return (
    <div class="owner-menu">
      <IconButton testid="edit" icon="pencil" label="Edit post" onClick={onEdit} />
      <IconButton testid="delete" icon="bin" label="Delete post" onClick={() => setAsking(true)} />
      {asking && (
        <Dialog label="Delete this post?" onClose={() => setAsking(false)}>
          <h2>Delete this post?</h2>
          <p>Its comments, likes, pictures and videos go with it. This cannot be undone.</p>
          <div class="dialog-buttons">
            <button type="button" class="button" onClick={() => setAsking(false)}>
              Keep it
            </button>
            <button
              type="button"
              class="button button-danger"
              data-testid="delete-confirm"
              disabled={busy}
              onClick={() => void run(remove)}
            >
              Delete
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}
