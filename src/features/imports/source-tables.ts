// The tables of an original Django site that are brought over: their columns as Django names them, and what a row must
// look like to be taken. Everything else that is read of the source has passed one of these schemas.
import { z } from 'zod';
import type { Selection } from '../../platform/foreign-databases/foreign-database.ts';

export interface SourceTable<Row> extends Selection {
  readonly table: SourceTableName;
  readonly schema: z.ZodType<Row>;
}

export type SourceTableName =
  | 'auth_user'
  | 'Users_profile'
  | 'Users_profile_followers'
  | 'Posts_post'
  | 'Posts_post_likes'
  | 'Posts_post_comments'
  | 'Posts_post_media_files'
  | 'Posts_comment'
  | 'Posts_comment_likes'
  | 'Posts_comment_replyes'
  | 'Posts_reply'
  | 'Posts_reply_likes'
  | 'Posts_mediafile'
  | 'django_migrations';

// Ids are kept, and what is made later counts on from the highest: far above any real site, far below what a number holds.
const id = z.int().min(1).max(1e15);
/** No database but SQLite holds a NUL; the sign for an unknown character stands in for it. */
const text = z
  .string()
  .max(1_000_000)
  .transform((value) => value.replaceAll('\0', '\uFFFD'));
const flag = z.union([z.boolean(), z.literal(0).transform(() => false), z.literal(1).transform(() => true)]);
const moment = z.string().transform((value, context) => {
  const milliseconds = parseMoment(value);
  if (milliseconds !== undefined) return milliseconds;
  context.addIssue({ code: 'custom', message: 'is no date' });
  return z.NEVER;
});

export const users = define('auth_user', {
  id,
  username: text,
  first_name: text,
  last_name: text,
  email: text,
  password: text,
  is_active: flag,
  is_staff: flag,
  is_superuser: flag,
  date_joined: moment,
});
export const profiles = define('Users_profile', {
  id,
  user_id: id,
  firstname: text,
  lastname: text,
  email: text,
  bio: text,
  created_at: moment,
});
export const profilePictures = define('Users_profile', { id, profile_picture: text, cover_image: text });
/** The first is followed, the second follows. */
export const follows = define('Users_profile_followers', { id, from_profile_id: id, to_profile_id: id });
export const posts = define('Posts_post', {
  id,
  auhtor_id: id,
  description: text.nullable(),
  date_created: moment,
  date_modified: moment,
});
export const comments = define('Posts_comment', {
  id,
  author_id: id,
  comment: text,
  pub_date: moment,
  last_edited: moment,
});
export const replies = define('Posts_reply', {
  id,
  author_id: id,
  reply: text,
  pub_date: moment,
  last_edited: moment,
});
export const mediaFiles = define('Posts_mediafile', { id, filename: text, file: text });
export const postComments = define('Posts_post_comments', { id, post_id: id, comment_id: id });
export const commentReplies = define('Posts_comment_replyes', { id, comment_id: id, reply_id: id });
export const postMedia = define('Posts_post_media_files', { id, post_id: id, mediafile_id: id });
export const postLikes = define('Posts_post_likes', { id, post_id: id, profile_id: id });
export const commentLikes = define('Posts_comment_likes', { id, comment_id: id, profile_id: id });
export const replyLikes = define('Posts_reply_likes', { id, reply_id: id, profile_id: id });
/** When Django made the tables, to the microsecond: what tells one site from another. */
export const migrations = define('django_migrations', { id, app: text, name: text, applied: moment });

export type RowOf<Table> = Table extends SourceTable<infer Row> ? Row : never;

/** Why a row cannot be taken, by the column that is wrong. */
export function describeIssues(error: z.ZodError): string {
  const columns = new Set(error.issues.map((issue) => issue.path.join('.')));
  return `${[...columns].join(' and ')} cannot be read`;
}

function define<Shape extends z.ZodRawShape>(
  table: SourceTableName,
  shape: Shape,
): SourceTable<z.infer<z.ZodObject<Shape>>> {
  return { table, columns: Object.keys(shape), schema: z.object(shape) };
}

/** `YYYY-MM-DD HH:MM:SS.ffffff` in UTC, with an offset where PostgreSQL gives one; epoch milliseconds. */
export function parseMoment(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d(?::?\d\d)?)?$/.exec(text);
  if (!match) return undefined;
  const [, day = '', time = '', fraction = '.', offset = 'Z'] = match;
  const zone = /^[+-]\d\d$/.test(offset) ? `${offset}:00` : offset;
  const milliseconds = Date.parse(`${day}T${time}${fraction.padEnd(4, '0').slice(0, 4)}${zone}`);
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}
