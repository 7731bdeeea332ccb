// A post's comments with their replies, and the forms to add to them.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { profilePath } from '../routes.ts';
import { useStore } from '../store.ts';
import { settlePost } from '../stores/posts.ts';
import { viewer } from '../stores/viewer.ts';
import { fullName } from '../texts/names.ts';
import { addComment, addReply } from '../wire/posts.ts';
import type { Author, Comment, Post, Reply } from '../wire/shapes.ts';
import { AnswerForm } from './answer-form.tsx';
import { Avatar } from './avatar.tsx';
import { Icon } from './icons.tsx';
import { LikeButton } from './like-button.tsx';
import { PlainText } from './plain-text.tsx';
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
        </div>
      </div>
    </li>
  );
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
