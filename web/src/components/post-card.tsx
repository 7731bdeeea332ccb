// One post with all that belongs to it.
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { useApproach } from '../hooks.ts';
import { postPath, profilePath } from '../routes.ts';
import { useShelved, useStore } from '../store.ts';
import { isStale, posts, refreshPost } from '../stores/posts.ts';
import { viewer } from '../stores/viewer.ts';
import { countOf, fullName } from '../texts/names.ts';
import type { Post } from '../wire/shapes.ts';
import { Avatar } from './avatar.tsx';
import { CommentList } from './comment-list.tsx';
import { Icon } from './icons.tsx';
import { LikeButton } from './like-button.tsx';
import { PlainText } from './plain-text.tsx';
import { PostEditor } from './post-editor.tsx';
import { PostMedia } from './post-media.tsx';
import { OwnerMenu } from './owner-menu.tsx';
import { TimeStamp } from './time-stamp.tsx';
import { UploadNote } from './upload-note.tsx';

export function PostCard({ id, opened = false }: { id: number; opened?: boolean }): JSX.Element | null {
  const post = useShelved(posts, id);
  return post ? <Card post={post} opened={opened} /> : null;
}

function Card({ post, opened }: { post: Post; opened: boolean }): JSX.Element {
  const me = useStore(viewer).profile;
  const own = me?.id === post.auhtor.id;
  const [editing, setEditing] = useState(false);
  const [talking, setTalking] = useState(opened);
  const ref = useRef<HTMLElement>(null);
  // After a gap in the live updates only what is looked at is read again.
  useApproach(
    ref,
    () => {
      if (isStale(post.id)) void refreshPost(post.id).catch(() => false);
    },
    '300px 0px',
  );
  return (
    <article
      ref={ref}
      class="card post"
      data-testid="post"
      data-post-id={post.id}
      aria-label={`Post by ${fullName(post.auhtor)}`}
    >
      <PostHead
        post={post}
        removable={own || me?.is_admin === true}
        onEdit={own ? () => setEditing(true) : undefined}
      />
      {editing ? (
        <PostEditor post={post} onDone={() => setEditing(false)} />
      ) : (
        <>
          {post.description !== '' && <PlainText text={post.description} />}
          <PostMedia post={post} own={own} />
        </>
      )}
      {own && <UploadNote postId={post.id} />}
      <footer class="post-foot">
        <LikeButton postId={post.id} target={post} testid="like" />
        <button
          type="button"
          class="action"
          data-testid="comment-toggle"
          aria-expanded={talking}
          aria-label={`Comments, ${countOf(post.comments.length, 'comment', 'comments')}`}
          onClick={() => setTalking(!talking)}
        >
          <Icon name="comment" />
          <span class="count" data-testid="comment-count">
            {post.comments.length}
          </span>
        </button>
      </footer>
      {talking && <CommentList post={post} focus={!opened} />}
    </article>
  );
}

interface PostHeadProps {
  post: Post;
  removable: boolean;
  onEdit: (() => void) | undefined;
}

function PostHead({ post, removable, onEdit }: PostHeadProps): JSX.Element {
  const author = post.auhtor;
  return (
    <header class="post-head">
      <a href={profilePath(author.id)} tabIndex={-1} aria-hidden="true">
        <Avatar person={author} size="medium" />
      </a>
      <div class="post-by">
        <a class="author-name" href={profilePath(author.id)}>
          {fullName(author)}
        </a>
        <a class="post-time" href={postPath(post.id)}>
          <TimeStamp at={post.date_created} />
        </a>
      </div>
      {removable && <OwnerMenu postId={post.id} onEdit={onEdit} />}
    </header>
  );
}
