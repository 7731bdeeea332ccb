// The objects of the classic wire, with its spellings (`auhtor`, `replyes`), and what its requests may hold.
import { z } from 'zod';

/** Numbers, or decimal text in its one canonical spelling. */
export const id = z.union(
  [
    z.int().positive(),
    z
      .string()
      .regex(/^[1-9]\d{0,15}$/)
      .transform(Number)
      .pipe(z.int().positive()),
  ],
  'A valid id is required.',
);

/** An id in a path: anything else names nothing. */
export const idParams = z.object({
  id: z
    .string()
    .regex(/^[1-9]\d{0,15}$/)
    .transform(Number)
    .pipe(z.int().positive()),
});

export const profile = z.object({
  id: z.int(),
  username: z.string(),
  firstname: z.string(),
  lastname: z.string(),
  bio: z.string(),
  email: z.string(),
  profile_picture: z.string(),
  cover_image: z.string(),
  created_at: z.string(),
  user: z.int(),
  followers: z.array(z.int()),
});

/** From the sixth liker on only the id. */
const liker = profile.partial().required({ id: true });
const likerId = z.object({ id: z.int() });

export const media = z.object({
  id: z.int(),
  filename: z.string(),
  file: z.string(),
  hls_url: z.string().nullable(),
  /** Ours; only there when a video could not be processed. */
  failure: z.string().optional(),
});

const reply = z.object({
  id: z.int(),
  likes: z.array(likerId),
  author: profile,
  reply: z.string(),
  pub_date: z.string(),
  last_edited: z.string(),
});

const comment = z.object({
  id: z.int(),
  author: profile,
  likes: z.array(likerId),
  replyes: z.array(reply),
  comment: z.string(),
  pub_date: z.string(),
  last_edited: z.string(),
});

export const post = z.object({
  id: z.int(),
  auhtor: profile,
  media_files: z.array(media),
  likes: z.array(liker),
  comments: z.array(comment),
  description: z.string(),
  date_created: z.string(),
  date_modified: z.string(),
});

export type ClassicProfile = z.infer<typeof profile>;
export type ClassicPost = z.infer<typeof post>;
export type ClassicMedia = z.infer<typeof media>;

/** Most `POST`s answer one sentence in an array. */
export const sentence = z.array(z.string());
