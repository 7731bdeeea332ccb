// Posts, comments, likes and their files. Comments and replies share the posts' id space, so likes and
// deletion take any of the three.
import { WireFailure } from './failures.ts';
import { ask, askPage, type Page } from './requests.ts';
import type { Focus, Media, Post } from './shapes.ts';

/** The lists, at their beginnings: a page names the next one. */
export const EVERYBODY = '/api/posts/?per_page=10';
export const FOLLOWED = '/api/posts/following/?per_page=10';
export const postsOf = (profileId: number): string => `/api/users/user/posts/${profileId}/?per_page=10`;

export function readPage(path: string): Promise<Page<Post>> {
  return askPage(path);
}

export function getPost(id: number): Promise<Post> {
  return ask(`/api/posts/post/${id}/`);
}

export function searchPosts(words: string): Promise<Post[]> {
  return ask(`/api/posts/post/search?q=${encodeURIComponent(words)}`);
}

/** Answers the new post's id. */
export function createPost(authorName: string, description: string): Promise<number> {
  return save({ authorName, description, mediaFiles: [], existingPostId: '', deleteImages: [] });
}

export async function editPost(
  id: number,
  change: { description: string; dropMedia: number[] },
): Promise<void> {
  const { description, dropMedia } = change;
  await save({ description, mediaFiles: [], existingPostId: id, deleteImages: dropMedia });
}

export async function deletePost(id: number): Promise<void> {
  await ask(`/api/posts/post/${id}/`, { method: 'DELETE' });
}

export async function setLiked(id: number, liked: boolean): Promise<void> {
  await ask(`/api/posts/post/${id}/like/`, { method: liked ? 'PUT' : 'DELETE' });
}

export interface Answer {
  postId: number;
  /** Own profile id; the server takes it from the token, the wire still has the field. */
  authorId: number;
  text: string;
}

export async function addComment({ postId, authorId, text }: Answer): Promise<void> {
  const json = { postID: postId, commentID: postId, authorID: authorId, commentContent: text };
  await ask('/api/posts/post/add/comment/', { method: 'POST', json });
}

export async function addReply(answer: Answer & { commentId: number }): Promise<void> {
  const { postId, commentId, authorId, text } = answer;
  const json = { postID: postId, commentID: commentId, authorID: authorId, commentContent: text };
  await ask('/api/posts/post/add/reply/', { method: 'POST', json });
}

export interface NewPicture {
  postId: number;
  dataUrl: string;
  alt: string | undefined;
  focus: Focus | undefined;
}

export async function addPicture(picture: NewPicture, signal: AbortSignal): Promise<void> {
  const { postId, dataUrl, alt, focus } = picture;
  const json = { postID: postId, imageBase64: dataUrl, alt, focus };
  await ask('/api/posts/post/add/media/image/', { method: 'POST', json, signal, timeoutMs: 300_000 });
}

export async function describePicture(id: number, said: { alt?: string; focus?: Focus }): Promise<void> {
  const json = { ...said, alt: said.alt?.trim() };
  await ask(`/api/posts/post/media/${id}/`, { method: 'PATCH', json });
}

export interface Chunk {
  /** The upload's only key: the same for all chunks of a file. */
  label: string;
  /** Bytes before this chunk; lets the server recognise a repeat. */
  offset: number;
  dataUrl: string;
  /** Hex, of the decoded bytes. */
  sha256?: string;
}

export function sendChunk(chunk: Chunk, signal: AbortSignal): Promise<Media> {
  const form: Record<string, string> = { filename: chunk.label, offset: `${chunk.offset}` };
  if (chunk.sha256 !== undefined) form['sha256'] = chunk.sha256;
  // Servers that read fields as a stream know the place and hash before the data.
  form['chunk'] = chunk.dataUrl;
  return ask('/api/posts/post/add/media/video/', { method: 'POST', form, signal, timeoutMs: 300_000 });
}

export async function finalizeVideo(postId: number, mediaId: number, signal: AbortSignal): Promise<void> {
  const json = { postID: postId, videoID: mediaId };
  await ask('/api/posts/post/add/media/video/finalize/', { method: 'POST', json, signal });
}

interface Saved {
  message: string;
  post_id: number;
}

async function save(json: Record<string, unknown>): Promise<number> {
  const answer = await ask<Saved>('/api/posts/post/create/', { method: 'POST', json });
  if (typeof answer.post_id !== 'number') throw new WireFailure({ status: 502, body: answer });
  return answer.post_id;
}
