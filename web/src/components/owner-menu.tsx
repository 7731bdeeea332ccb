// What may be done with a post: its author edits and deletes it, an admin deletes it.
import type { JSX } from 'preact';
import { takeOut } from '../stores/feed.ts';
import { tell } from '../stores/notices.ts';
import { forgetPost } from '../stores/posts.ts';
import { cancelAllOf } from '../uploads/queue.ts';
import { deletePost } from '../wire/posts.ts';
import { IconButton } from './icon-button.tsx';
import { RemoveButton } from './remove-button.tsx';

export interface OwnerMenuProps {
  postId: number;
  /** Absent for somebody else's post. */
  onEdit: (() => void) | undefined;
}

export function OwnerMenu({ postId, onEdit }: OwnerMenuProps): JSX.Element {
  const remove = async (): Promise<void> => {
    await deletePost(postId);
    await cancelAllOf(postId);
    takeOut(postId);
    forgetPost(postId);
    tell('The post is deleted.');
  };
  return (
    <div class="owner-menu">
      {onEdit && <IconButton testid="edit" icon="pencil" label="Edit post" onClick={onEdit} />}
      <RemoveButton
        what="post"
        warning="Its comments, likes, pictures and videos go with it."
        testid="delete"
        remove={remove}
      />
    </div>
  );
}
