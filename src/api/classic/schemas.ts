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

/** One file made of a picture. Several of a type are the same picture at other sizes; the types come best first. */
const source = z.object({
  url: z.string(),
  type: z.string(),
  width: z.int(),
  height: z.int(),
  /** Of a picture that moves: the first frame alone, for whoever wants nothing to move. */
  still: z.boolean().optional(),
});

/** Where to look first, from -1 (left, bottom) to 1 (right, top). */
const focus = z.object({ x: z.number(), y: z.number() });

/** What a request says of a picture. */
export const description = {
  alt: z.string().optional(),
  focus: z.object({ x: z.number().min(-1).max(1), y: z.number().min(-1).max(1) }).optional(),
};

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
  // Ours: in one's own profile, of an admin.
  is_admin: z.boolean().optional(),
  // Ours, and only there when there is a picture or cover.
  profile_picture_sources: z.array(source).optional(),
  // Only in a profile that was asked for.
  profile_picture_alt: z.string().optional(),
  profile_picture_blurhash: z.string().optional(),
  cover_image_sources: z.array(source).optional(),
  cover_image_alt: z.string().optional(),
  cover_image_focus: focus.optional(),
  cover_image_blurhash: z.string().optional(),
});

/** From the sixth liker on only the id. */
const liker = profile.partial().required({ id: true });
const likerId = z.object({ id: z.int() });

export const captions = z.object({
  id: z.string(),
  language: z.string(),
  label: z.string(),
  file: z.string(),
});

export const media = z.object({
  id: z.int(),
  filename: z.string(),
  file: z.string(),
  hls_url: z.string().nullable(),
  /** Ours; only there when a video could not be processed. */
  failure: z.string().optional(),
  /** Ours, from here on. In pixels, of `file`; a video has them once it is ready. */
  width: z.int().optional(),
  height: z.int().optional(),
  /** Of pictures. */
  blurhash: z.string().optional(),
  alt: z.string().optional(),
  focus: focus.optional(),
  sources: z.array(source).optional(),
  /** Of videos. */
  state: z.enum(['processing', 'ready', 'failed']).optional(),
  sizes: z.array(z.int()).optional(),
  poster: z.string().optional(),
  storyboard: z.string().optional(),
  captions: z.array(captions).optional(),
  progress: z
    .object({
      step: z.enum(['reading', 'encoding', 'finishing']),
      renditions: z.array(z.object({ name: z.string(), percent: z.int() })),
    })
    .optional(),
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
export type ClassicSource = z.infer<typeof source>;
export type ClassicMedia = z.infer<typeof media>;
export type ClassicCaptions = z.infer<typeof captions>;

export const tokens = z.object({ refresh: z.string(), access: z.string() });

/** Most `POST`s answer one sentence in an array. */
export const sentence = z.array(z.string());
