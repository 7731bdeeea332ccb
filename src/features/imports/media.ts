// Pictures and videos of posts, with the ids that they had. They belong to whoever wrote the post; one that no post
// refers to belongs to nobody and is not taken. Videos are encoded by the worker.
import type { Transaction } from '../../platform/database/database.ts';
import type { Jobs } from '../../platform/jobs/jobs.ts';
import type { PictureRecords } from '../../platform/pictures/records.ts';
import { removeAfterCommit } from '../../platform/storage/removal.ts';
import { noVideo, transcodeJob } from '../media/index.ts';
import { createThreads } from '../posts/index.ts';
import type { Local } from './ledger.ts';
import { findFirstLinks, type FirstLink, type Link, takeLinks } from './links.ts';
import { type Outcome, type Run, walk } from './pass.ts';
import { mediaFiles, postMedia, type RowOf } from './source-tables.ts';
import type { Stored, StoredFiles, StoredMedia } from './stored-files.ts';

type MediaFile = RowOf<typeof mediaFiles>;

const mediaOfPosts: Link = {
  source: postMedia,
  child: { table: 'Posts_mediafile', column: 'mediafile_id', noun: 'media' },
  parent: { table: 'Posts_post', column: 'post_id', noun: 'post' },
};

/** One: what is stored has its row before another file is begun on, which may take longer than the sweep waits for a row. */
const BATCH = 1;

interface Prepared {
  links: Map<number, FirstLink>;
  stored: Map<number, Stored<StoredMedia>>;
}

/** Answers how many videos were queued. */
export async function takeMedia(
  run: Run,
  { files, jobs, records }: { files: StoredFiles; jobs: Jobs; records: PictureRecords },
): Promise<number> {
  const threads = createThreads(run.database, run.now);
  let videos = 0;
  await walk(run, {
    source: mediaFiles,
    batch: BATCH,
    prepare: (rows) => prepare(run, { rows, files }),
    async take(tx, rows, { links, stored }) {
      const posts = await findPosts(run, tx, links);
      const outcomes = new Map<number, Outcome>();
      for (const row of rows) {
        const link = links.get(row.id);
        const post = link && posts.get(link.parentId);
        const file = stored.get(row.id);
        if (!link || !post) {
          const reason = link ? `its post ${link.parentId} was not taken` : 'no post refers to it';
          outcomes.set(row.id, { refused: reason });
        } else if (!file || 'problem' in file) {
          outcomes.set(row.id, { refused: file?.problem ?? 'its file was not read' });
        } else {
          const media = { row, post, stored: file.stored, position: link.linkId };
          const outcome = await takeFile(tx, { ...media, jobs, records });
          if ('localId' in outcome) await threads.touch(tx, post.id);
          if ('localId' in outcome && file.stored.kind === 'video') videos += 1;
          outcomes.set(row.id, outcome);
        }
      }
      return outcomes;
    },
  });
  await takeLinks(run, mediaOfPosts);
  return videos;
}

async function prepare(
  run: Run,
  { rows, files }: { rows: readonly MediaFile[]; files: StoredFiles },
): Promise<Prepared> {
  const links = await findFirstLinks(run, { link: mediaOfPosts, ids: rows.map((row) => row.id) });
  const posts = await findPosts(run, run.database.read, links);
  const wanted = rows.filter((row) => posts.has(links.get(row.id)?.parentId ?? 0));
  const stored = await Promise.all(
    wanted.map(async (row) => [row.id, await files.storeMedia({ id: row.id, path: row.file })] as const),
  );
  return { links, stored: new Map(stored) };
}

async function takeFile(
  tx: Transaction,
  media: {
    row: MediaFile;
    post: Local & { authorId: number };
    stored: StoredMedia;
    position: number;
    jobs: Jobs;
    records: PictureRecords;
  },
): Promise<Outcome> {
  const { row, post, stored, position, jobs, records } = media;
  const fileKey = stored.kind === 'picture' ? stored.picture.key : stored.fileKey;
  const used = await tx.selectFrom('media').select('id').where('id', '=', row.id).executeTakeFirst();
  if (used) {
    await removeAfterCommit(jobs, tx, { keys: [fileKey] });
    return { refused: 'its id belongs to something else here' };
  }
  await tx
    .insertInto('media')
    .values({
      ...noVideo,
      ...columnsOf(stored),
      kind: stored.kind,
      fileKey,
      id: row.id,
      ownerId: post.authorId,
      postId: post.id,
      // Counts up with the links, so that one that is taken later still finds its place.
      position,
      label: stored.kind === 'video' ? row.filename : '',
      createdAt: post.createdAt,
      readyAt: stored.kind === 'picture' ? post.createdAt : null,
    })
    .execute();
  if (stored.kind === 'picture') {
    const { size: _, ...picture } = stored.picture;
    await records.add(tx, { ...picture, role: 'post', shownOn: post.id, isBulk: true });
  } else await jobs.enqueue(tx, transcodeJob, { payload: { mediaId: row.id }, uniqueKey: String(row.id) });
  return { localId: row.id };
}

const columnsOf = (stored: StoredMedia) =>
  stored.kind === 'picture'
    ? { size: stored.picture.size, width: stored.picture.width, height: stored.picture.height }
    : { size: stored.size, width: null, height: null };

/** The posts that were taken, by their id in the source. */
async function findPosts(
  { database, ledger }: Run,
  db: Parameters<typeof ledger.resolve>[0],
  links: Map<number, FirstLink>,
): Promise<Map<number, Local & { authorId: number }>> {
  const posts = await ledger.resolve(db, {
    table: 'Posts_post',
    ids: [...links.values()].map(({ parentId }) => parentId),
  });
  if (posts.size === 0) return new Map();
  const ids = [...posts.values()].map(({ id }) => id);
  const rows = await db
    .selectFrom('posts')
    .select(['id', 'authorId'])
    .where('id', 'in', database.dialect.anyOf(ids))
    .execute();
  const authors = new Map(rows.map((row) => [row.id, row.authorId]));
  return new Map(
    [...posts].map(([id, post]) => [id, { ...post, authorId: authors.get(post.id) ?? 0 }] as const),
  );
}
