// Compares what the writers know with what is there after the crash. Whatever was in doubt is settled by it.
import { isAccepted, type Cell, type Ledger, type Said, type SentUpload, type Writer } from './ledger.ts';
import { call } from '../support/classic-client.ts';
import type { PostRow, Site, UploadRow } from './site.ts';

export type Complain = (fault: string) => void;
/** The bytes of an upload that is under way. */
export type ReadDraft = (key: string) => Promise<Buffer>;

/** Sets `target` to what is there, which must be something it may be. */
function settle<T>(
  target: Cell<T>,
  actual: T,
  { complain, what }: { complain: Complain; what: string },
): void {
  if (!target.may.includes(actual))
    complain(`${what} is ${String(actual)}, not ${target.may.map(String).join(' or ')}`);
  target.may = [actual];
}

/** Posts, comments, replies, their texts, likes and pictures, and who follows whom. */
export function checkRows(ledger: Ledger, site: Site, complain: Complain): void {
  site.damage.forEach(complain);
  const rows = Map.groupBy(site.posts, ({ text }) => text.split(' ')[0] ?? '');
  for (const marker of rows.keys()) if (!ledger.said.has(marker)) complain(`nobody said ${marker}`);
  const likes = Map.groupBy(site.likes, ({ post }) => post);
  const pictures = Map.groupBy(
    site.media.filter(({ kind }) => kind === 'picture'),
    ({ post }) => post,
  );
  // Parents come before children, as they were said.
  for (const said of ledger.said.values()) {
    const [row, ...doubles] = rows.get(said.marker) ?? [];
    if (doubles.length > 0) complain(`${said.marker} is there ${doubles.length + 1} times`);
    const orphaned = said.parent?.exists.may.includes(false);
    if (orphaned) said.exists.may = [false];
    settle(said.exists, row !== undefined, { complain, what: `the presence of ${said.marker}` });
    if (!row) continue;
    checkSaid(said, row, complain);
    settle(said.pictures, pictures.get(row.id)?.length ?? 0, {
      complain,
      what: `the pictures of ${said.marker}`,
    });
    checkFlags(said.likes, new Set(likes.get(row.id)?.map(({ profile }) => profile)), {
      complain,
      what: `likes of ${said.marker}`,
    });
  }
  for (const [marker, said] of ledger.said) if (said.exists.may[0] === false) ledger.said.delete(marker);
  for (const writer of ledger.writers) {
    const followed = site.follows.filter(({ follower }) => follower === writer.id).map((row) => row.followed);
    checkFlags(writer.follows, new Set(followed), { complain, what: `follows of ${writer.username}` });
  }
}

function checkSaid(said: Said, row: PostRow, complain: Complain): void {
  if (said.id !== undefined && said.id !== row.id)
    complain(`${said.marker} has another id than was answered`);
  said.id = row.id;
  settle(said.text, row.text, { complain, what: `the text of ${said.marker}` });
  if (row.author !== said.author.id) complain(`${said.marker} has another author`);
  if (row.parent !== (said.parent?.id ?? null)) complain(`${said.marker} hangs on something else`);
  if (row.version < said.version) complain(`the version of ${said.marker} went back`);
  said.version = row.version;
}

/** Flags by profile against those that are set. */
function checkFlags(
  flags: Map<number, Cell<boolean>>,
  set: Set<number>,
  told: { complain: Complain; what: string },
): void {
  for (const id of set) if (!flags.has(id)) told.complain(`${told.what}: ${id} was never asked for`);
  for (const [id, flag] of flags) settle(flag, set.has(id), { ...told, what: `${told.what}: ${id}` });
}

/** Uploads: every acknowledged byte is there, the chunk in doubt wholly or not at all. */
export async function checkUploads(
  ledger: Ledger,
  { site, read, complain }: { site: Site; read: ReadDraft; complain: Complain },
): Promise<void> {
  const rows = new Map(site.uploads.map((row) => [`${row.owner} ${row.label}`, row]));
  for (const writer of ledger.writers) {
    const find = (upload: SentUpload): UploadRow | undefined => rows.get(`${writer.id} ${upload.label}`);
    for (const upload of writer.closedUploads) checkClosed(upload, { row: find(upload), site, complain });
    writer.closedUploads = writer.closedUploads.filter(({ kind }) => kind !== 'noise');
    const { upload } = writer;
    if (!upload) continue;
    const row = find(upload);
    if (upload.post && upload.post.exists.may[0] === false) {
      // It went with its post, or it is still to be closed on another one.
      upload.post = undefined;
      if (!row && upload.closed.may.includes(true)) writer.upload = undefined;
      if (!row) continue;
    }
    checkClosed(upload, { row, site, complain });
    if (row && row.finishedAt === null) await checkOpen(upload, { row, read, complain });
    if (!row && upload.acknowledged > 0 && !upload.closed.may.includes(true))
      complain(`${upload.label} is gone`);
    if (!row && upload.kind === 'noise' && upload.closed.may[0]) writer.upload = undefined;
  }
}

function checkClosed(
  upload: SentUpload,
  { row, site, complain }: { row: UploadRow | undefined; site: Site; complain: Complain },
): void {
  const what = `the end of ${upload.label}`;
  if (upload.kind === 'noise') {
    const dropped = row === undefined && upload.mediaId !== undefined;
    return settle(upload.closed, dropped, { complain, what });
  }
  if (upload.post && upload.post.exists.may[0] === false) {
    if (row && upload.closed.may.length === 1) complain(`${what}: its post is gone and it is not`);
    return undefined;
  }
  settle(upload.closed, row !== undefined && row.finishedAt !== null, { complain, what });
  const media = site.mediaById.get(upload.mediaId ?? 0);
  if (upload.closed.may[0] && media?.post !== upload.post?.id) complain(`${what}: it is not on its post`);
  return undefined;
}

async function checkOpen(
  upload: SentUpload,
  { row, read, complain }: { row: UploadRow; read: ReadDraft; complain: Complain },
): Promise<void> {
  const { acknowledged, inDoubt, label, bytes } = upload;
  if (row.offset !== acknowledged && row.offset !== acknowledged + inDoubt)
    complain(
      `${label} stands at ${row.offset}, after ${acknowledged} acknowledged bytes and ${inDoubt} in doubt`,
    );
  if (row.offset === 0) return;
  const draft = await read(row.draft);
  if (!draft.subarray(0, row.offset).equals(bytes.subarray(0, row.offset)))
    complain(`${label} has other bytes`);
}

/** Who signed out stays out, who did not is still in, and whoever's new tokens got lost has a way to them. */
export async function checkSessions(base: string, ledger: Ledger, complain: Complain): Promise<void> {
  for (const writer of ledger.writers) {
    await recoverTokens(base, writer, complain);
    const own = await call(base, '/api/users/author/', { token: writer.access });
    if (own.status !== 200) complain(`${writer.username} is signed out (${own.status})`);
    checkPicture(writer, own.json?.profile_picture, complain);
    for (const spare of writer.spares) {
      const access = await call(base, '/api/users/author/', { token: spare.access });
      const what = `the sign-out of ${writer.username}`;
      settle(spare.ended, access.status === 401, { complain, what });
      if (!spare.ended.may[0]) continue;
      const refresh = await call(base, '/api/users/user/token/refresh/', {
        body: { refresh: spare.refresh },
      });
      if (refresh.status !== 401) complain(`${what} left the refresh token good`);
    }
    writer.spares = writer.spares.filter(({ ended }) => !ended.may[0]);
  }
}

/** Within ten seconds the token that was exchanged gets the same successor again; later it may not. */
async function recoverTokens(base: string, writer: Writer, complain: Complain): Promise<void> {
  if (writer.refreshSentAt === undefined) return;
  const answer = await call(base, '/api/users/user/token/refresh/', { body: { refresh: writer.refresh } });
  const late = Date.now() - writer.refreshSentAt > 9_000;
  writer.refreshSentAt = undefined;
  if (isAccepted(answer)) Object.assign(writer, answer.json);
  else if (late) Object.assign(writer, await signIn(base, writer));
  else complain(`a lost refresh signed ${writer.username} out`);
}

function checkPicture(writer: Writer, actual: string, complain: Complain): void {
  const { may } = writer.picture;
  if (!may.includes(actual) && !may.includes(undefined))
    complain(`the picture of ${writer.username} is ${actual}`);
  writer.picture.may = [actual];
}

export async function signIn(
  base: string,
  { username, password }: { username: string; password: string },
): Promise<{ access: string; refresh: string }> {
  const answer = await call(base, '/api/users/user/token/', { body: { username, password } });
  if (!isAccepted(answer)) throw new Error(`sign-in answered ${answer.status}: ${answer.text}`);
  return answer.json;
}

/** What the wire shows of the posts is what the database says. */
export async function checkViews(
  base: string,
  posts: Iterable<Said>,
  { site, complain }: { site: Site; complain: Complain },
): Promise<void> {
  const byRoot = Map.groupBy(site.posts, ({ root }) => root);
  const rows = new Map(site.posts.map((row) => [row.id, row]));
  const likes = Map.groupBy(site.likes, ({ post }) => post);
  const likersOf = (id: number): number[] =>
    (likes.get(id) ?? []).map(({ profile }) => profile).toSorted((a, b) => a - b);
  const item = (row: PostRow) => ({ id: row.id, text: row.text, likes: likersOf(row.id) });
  for (const { id, marker } of posts) {
    if (id === undefined) continue;
    const { status, json } = await call(base, `/api/posts/post/${id}/`);
    const row = rows.get(id);
    if (!row) {
      if (status !== 404) complain(`${marker} is gone and shown (${status})`);
      continue;
    }
    const shown = status === 200 ? readView(json) : { status };
    const below = byRoot.get(id) ?? [];
    const stored = [row, ...below].map(item).toSorted((a, b) => a.id - b.id);
    if (JSON.stringify(shown) !== JSON.stringify(stored))
      complain(`${marker} is shown as ${JSON.stringify(shown)}, not ${JSON.stringify(stored)}`);
  }
}

interface Item {
  id: number;
  likes: { id: number }[];
}
interface View extends Item {
  description: string;
  comments: (Item & { comment: string; replyes: (Item & { reply: string })[] })[];
}

function readView(post: View): unknown[] {
  const item = (one: Item, text: string) => ({ id: one.id, text, likes: one.likes.map(({ id }) => id) });
  return [
    item(post, post.description),
    ...post.comments.flatMap((one) => [
      item(one, one.comment),
      ...one.replyes.map((below) => item(below, below.reply)),
    ]),
  ].toSorted((a, b) => a.id - b.id);
}
