// A post's comments with their replies, and the forms to add to them.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { profilePath } from '../routes.ts';
import { useStore } from '../store.ts';
import { settlePost } from '../stores/posts.ts';
import { viewer } from '../stores/viewer.ts';
import { fullName } from '../texts/names.ts';
import { addComment, addReply, deletePost } from '../wire/posts.ts';
import type { Author, Comment, Post, Reply } from '../wire/shapes.ts';
import { AnswerForm } from './answer-form.tsx';
import { Avatar } from './avatar.tsx';
import { Icon } from './icons.tsx';
import { LikeButton } from './like-button.tsx';
import { PlainText } from './plain-text.tsx';
import { RemoveButton } from './remove-button.tsx';
import { TimeStamp } from './time-stamp.tsx';

export function CommentList({ post, focus }: { post: Post; focus: boolean }): JSX.Element {
  const authorId = useStore(viewer).profile?.id ?? 0;
  const send = async (text: string): Promise<void> => {
    const actedAt = performance.now();
    await addComment({ postId: post.id, authorId, text });
    await settlePost(post.id, actedAt);
  };
  return (
    <section class="comments" aria-label="Comments">
      {post.comments.length > 0 && (
        <ol>
          {post.comments.map((comment) => (
            <CommentItem key={comment.id} post={post} comment={comment} />
          ))}
        </ol>
      )}
      <AnswerForm kind="comment" label="Write a comment" focus={focus} send={send} />
    </section>
  );
}

function CommentItem({ post, comment }: { post: Post; comment: Comment }): JSX.Element {
  const authorId = useStore(viewer).profile?.id ?? 0;
  const [answering, setAnswering] = useState(false);
  const send = async (text: string): Promise<void> => {
    const actedAt = performance.now();
    await addReply({ postId: post.id, commentId: comment.id, authorId, text });
    await settlePost(post.id, actedAt);
    setAnswering(false);
  };
  return (
    <li class="comment" data-testid="comment" data-id={comment.id}>
      <Avatar person={comment.author} size="small" />
      <div class="comment-main">
        <Words author={comment.author} text={comment.comment} />
        <div class="comment-foot">
          <TimeStamp at={comment.pub_date} />
          <LikeButton postId={post.id} target={comment} testid="comment-like" />
          <button
            type="button"
            class="action"
            data-testid="reply-toggle"
            aria-expanded={answering}
            onClick={() => setAnswering(!answering)}
          >
            <Icon name="reply" />
            Reply
          </button>
          <RemoveAnswer postId={post.id} answer={comment} what="comment" />
        </div>
        {comment.replyes.length > 0 && (
          <ol class="replies" aria-label="Replies">
            {comment.replyes.map((reply) => (
              <ReplyItem key={reply.id} postId={post.id} reply={reply} />
            ))}
          </ol>
        )}
        {answering && (
          <AnswerForm kind="reply" label={`Reply to ${fullName(comment.author)}`} focus={true} send={send} />
        )}
      </div>
    </li>
  );
}

function ReplyItem({ postId, reply }: { postId: number; reply: Reply }): JSX.Element {
  return (
    <li class="comment" data-testid="reply" data-id={reply.id}>
      <Avatar person={reply.author} size="small" />
      <div class="comment-main">
        <Words author={reply.author} text={reply.reply} />
        <div class="comment-foot">
          <TimeStamp at={reply.pub_date} />
          <LikeButton postId={postId} target={reply} testid="reply-like" />
          <RemoveAnswer postId={postId} answer={reply} what="reply" />
        </div>
      </div>
    </li>
  );
}

interface RemoveAnswerProps {
  postId: number;
  answer: Comment | Reply;
  what: 'comment' | 'reply';
}

/** For whoever said it, and for admins. */
function RemoveAnswer({ postId, answer, what }: RemoveAnswerProps): JSX.Element | null {
  const me = useStore(viewer).profile;
  if (me?.id !== answer.author.id && me?.is_admin !== true) return null;
  const remove = async (): Promise<void> => {
    const actedAt = performance.now();
    await deletePost(answer.id);
    await settlePost(postId, actedAt);
  };
  const warning = what === 'comment' ? 'Its replies and likes go with it.' : 'Its likes go with it.';
  return <RemoveButton what={what} warning={warning} testid={`${what}-delete`} remove={remove} />;
}

function Words({ author, text }: { author: Author; text: string }): JSX.Element {
  return (
    <div class="comment-words">
      <a class="author-name" href={profilePath(author.id)}>
        {fullName(author)}
      </a>
      <PlainText text={text} />
    </div>
  );
}
