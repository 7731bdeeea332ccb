// Publishing: makes the post, shows it on top at once, and hands its files to the upload queue.
import { scalePicture, POST_LIMIT } from '../pictures.ts';
import { kindOfPath, type MediaKind } from '../texts/names.ts';
import { randomLetters } from '../uploads/chunks.ts';
import { enqueue } from '../uploads/queue.ts';
import { makeLabel, type Transfer } from '../uploads/transfers.ts';
import { WireFailure } from '../wire/failures.ts';
import { createPost, postsOf, readPage } from '../wire/posts.ts';
import type { Focus, Profile } from '../wire/shapes.ts';
import { putOnTop } from './feed.ts';
import { tell } from './notices.ts';
import { keepPosts, refreshPost } from './posts.ts';

/** Wide enough for clocks that disagree a little. */
const RECENT_MS = 15 * 60_000;

export interface ChosenFile {
  id: string;
  kind: MediaKind;
  file: File;
  /** Of a picture. */
  alt: string;
  focus: Focus;
}

/** `undefined` for files that the site does not show. */
export function chooseFile(file: File): ChosenFile | undefined {
  const kind = kindOfPath(file.name) ?? (isPicture(file) ? 'picture' : undefined);
  if (!kind || file.size === 0 || file.type === 'image/svg+xml') return undefined;
  return { id: randomLetters(10), kind, file, alt: '', focus: { x: 0, y: 0 } };
}

/** Not every browser knows what a phone's own pictures are; the server says what it can read. */
const isPicture = ({ type, name }: File): boolean => type.startsWith('image/') || /\.hei[cf]$/i.test(name);

/** Answers the new post's id. Throws only while there is no post yet. */
export async function publish(author: Profile, text: string, files: readonly ChosenFile[]): Promise<number> {
  const askedAt = performance.now();
  const postId = await createOnce(author, text);
  const now = new Date();
  const blank = { media_files: [], likes: [], comments: [], date_created: now.toISOString() };
  keepPosts([{ id: postId, auhtor: author, description: text, ...blank }], askedAt);
  putOnTop(postId);
  // Pictures first: they are small, and a post with them looks right soon.
  const inOrder = [...files].sort((a, b) => Number(a.kind === 'video') - Number(b.kind === 'video'));
  for (const [index, chosen] of inOrder.entries()) {
    await send(chosen, { postId, author, createdAt: now.getTime() + index });
  }
  void refreshPost(postId).catch(() => false);
  return postId;
}

/** Text of a post whose creation went without an answer. */
let unanswered: string | undefined;

/** Creation cannot be repeated safely; before a second try with the same words, look whether the first one arrived. */
async function createOnce(author: Profile, text: string): Promise<number> {
  if (unanswered === text) {
    const own = await readPage(postsOf(author.id));
    const arrived = own.items.find((post) => post.description === text && isRecent(post.date_created));
    unanswered = undefined;
    if (arrived) return arrived.id;
  }
  try {
    return await createPost(author.username, text);
  } catch (error) {
    if (error instanceof WireFailure && error.kind === 'offline') unanswered = text;
    throw error;
  }
}

function isRecent(iso: string): boolean {
  return Math.abs(Date.now() - Date.parse(iso)) < RECENT_MS;
}

interface Destination {
  postId: number;
  author: Profile;
  createdAt: number;
}

async function send(chosen: ChosenFile, to: Destination): Promise<void> {
  const { name } = chosen.file;
  const blob = await prepare(chosen);
  if (!blob) {
    tell(`${name} cannot be read as a picture and was left out.`);
    return;
  }
  const { postId, author, createdAt } = to;
  const from = {
    postId,
    username: author.username,
    at: new Date(createdAt),
    random: randomLetters(10),
    name,
  };
  const transfer: Transfer = {
    id: chosen.id,
    kind: chosen.kind,
    postId,
    ownerId: author.id,
    label: makeLabel(from),
    name,
    size: blob.size,
    offset: 0,
    state: 'waiting',
    conflicts: 0,
    createdAt,
    kept: false,
    alt: chosen.alt.trim(),
    focus: chosen.focus,
  };
  await enqueue(transfer, blob);
}

async function prepare({ kind, file }: ChosenFile): Promise<Blob | undefined> {
  return kind === 'video' ? file : scalePicture(file, POST_LIMIT).catch(() => undefined);
}
