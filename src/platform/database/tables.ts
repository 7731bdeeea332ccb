// The shape of every table as TypeScript sees it (camelCase; the columns are snake_case, converted once by the adapter).
// Times are epoch milliseconds; a state is a nullable time.
import type { Generated } from 'kysely';

export interface Tables {
  users: UsersTable;
  sessions: SessionsTable;
  profiles: ProfilesTable;
  follows: FollowsTable;
  posts: PostsTable;
  likes: LikesTable;
  media: MediaTable;
  pictures: PicturesTable;
  renditions: RenditionsTable;
  segments: SegmentsTable;
  uploads: UploadsTable;
  uploadParts: UploadPartsTable;
  jobs: JobsTable;
  importSources: ImportSourcesTable;
  imports: ImportsTable;
}

export interface UsersTable {
  id: Generated<number>;
  username: string;
  /** What uniqueness compares: case-folded, NFKC, without invisible characters. */
  usernameKey: string;
  /** What names share that look alike. */
  usernameSkeleton: Generated<string>;
  email: string;
  emailKey: string;
  firstName: string;
  lastName: string;
  passwordHash: string;
  role: 'user' | 'admin';
  createdAt: number;
  suspendedAt: number | null;
}

/** One sign-in: a family of rotating refresh tokens, of which only `generation` is current. */
export interface SessionsTable {
  id: Generated<number>;
  userId: number;
  /** Counts rotations; the refresh token of generation n is derived from (id, n) and never stored. */
  generation: Generated<number>;
  /** When the current generation was issued. */
  rotatedAt: number;
  /** When the current refresh token ends. */
  expiresAt: number;
  createdAt: number;
  revokedAt: number | null;
}

export interface ProfilesTable {
  id: Generated<number>;
  userId: number;
  bio: Generated<string>;
  /** Blob keys; null shows the default picture. */
  pictureKey: string | null;
  coverKey: string | null;
  followersCount: Generated<number>;
  followingCount: Generated<number>;
  createdAt: number;
}

export interface FollowsTable {
  followedId: number;
  followerId: number;
  createdAt: number;
}

/** A post; with a parent a comment (of a post) or a reply (to a comment). */
export interface PostsTable {
  id: Generated<number>;
  authorId: number;
  parentId: number | null;
  /** The post at the top of the thread; null for a post itself. */
  rootId: number | null;
  text: string;
  likesCount: Generated<number>;
  childrenCount: Generated<number>;
  /** Of a post with all that hangs on it: raised in the transaction of every change that its view shows. */
  version: Generated<number>;
  /** When live updates about the post were last due, by the clock of the node that made the change; null before the first. */
  changedAt: Generated<number | null>;
  createdAt: number;
  editedAt: number | null;
}

export interface LikesTable {
  postId: number;
  profileId: number;
  createdAt: number;
}

export interface MediaTable {
  id: Generated<number>;
  ownerId: number;
  /** Null while an upload is not finalized; a media row never moves to another post. */
  postId: number | null;
  position: Generated<number>;
  kind: 'picture' | 'video';
  /** The client's name for the file: a label, never a path. */
  label: Generated<string>;
  /** Blob key of what a plain player or <img> loads; null until the bytes are complete. */
  fileKey: string | null;
  /** Blob key prefix of the HLS folder, set once its first segments can be fetched. */
  hlsPrefix: string | null;
  /** Prefix that a running encode writes under; swept if it never becomes `hlsPrefix`. */
  draftPrefix: string | null;
  /** Names the run that may write: whoever has another one has been overtaken. */
  encodeRun: string | null;
  /** Of a ready video what its other renditions are made from; null when there are none to come. */
  sourceKey: string | null;
  posterKey: string | null;
  /** Blob key of the WebVTT list of small pictures. */
  storyboardKey: string | null;
  /** Short sides of the renditions that can be played, smallest first, with commas. */
  sizes: string | null;
  /** JSON: what an encode is doing just now. */
  progress: string | null;
  /** JSON: the captions that the owner gave, with their blob keys. */
  captions: string | null;
  width: number | null;
  height: number | null;
  durationMs: number | null;
  /** Bytes that count for the owner: of a video what was uploaded so far and its captions, of a picture what is stored. */
  size: Generated<number>;
  createdAt: number;
  readyAt: number | null;
  failedAt: number | null;
  /** A sentence for the owner. */
  failure: string | null;
}

/** A stored picture, as long as a row of `media` or `profiles` names its key. */
export interface PicturesTable {
  id: Generated<number>;
  /** Blob key of what a plain client loads. */
  key: string;
  role: 'post' | 'avatar' | 'cover';
  /** Id of the post, or of the profile, that shows it. */
  shownOn: number;
  /** Of the file under `key`; null until known. */
  width: number | null;
  height: number | null;
  /** What the owner says is to be seen. */
  alt: Generated<string>;
  /** What matters most, in thousandths: from -1000 (left, bottom) to 1000 (right, top). */
  focusX: Generated<number>;
  focusY: Generated<number>;
  blurhash: string | null;
  /** JSON: what was made of it and may be fetched, as `Rendition` of platform/pictures describes it. */
  renditions: Generated<string>;
  /** Prefix that a running job writes under; it becomes one of the next two or is removed. */
  draftPrefix: string | null;
  webpPrefix: string | null;
  avifPrefix: string | null;
  createdAt: number;
  renderedAt: number | null;
  failedAt: number | null;
}

/**
 * A track of a video's stream. Made (`listedAt` null) → listed, growing (its segments are rows) → whole (`finishedAt`,
 * its playlist is a blob named after `playlistRun`). Those that are nobody's beginning are listed when they are whole.
 */
export interface RenditionsTable {
  id: Generated<number>;
  mediaId: number;
  name: string;
  kind: 'picture' | 'copy' | 'sound';
  width: number;
  height: number;
  framesPerKilosecond: number;
  codecs: string;
  targetSeconds: number;
  /** bit/s */
  bandwidth: number;
  averageBandwidth: number;
  iFrameBandwidth: number;
  playlistRun: string | null;
  listedAt: number | null;
  finishedAt: number | null;
}

/** Of a track that is not whole yet. */
export interface SegmentsTable {
  renditionId: number;
  position: number;
  /** Names in the track's folder. */
  file: string;
  init: string;
  microseconds: number;
  bytes: number;
  /** JSON: where its key frames lie, as `[offset, bytes, microseconds]`. */
  keys: string;
}

/** Bytes on their way in. Closed once `finishedAt` is set. */
export interface UploadsTable {
  id: Generated<number>;
  ownerId: number;
  mediaId: number;
  /** The client's name for it, or its id when it has none of its own. */
  label: string;
  /** Key of the draft in storage, and the id that clients know the upload by. */
  draftKey: string;
  /** Bytes from the beginning on that are durable and acknowledged. */
  offset: Generated<number>;
  /** Bytes of the whole file, once the client has said so; they count as kept from then on. */
  length: number | null;
  /** `Upload-Metadata` as the client sent it. */
  metadata: string | null;
  /** SHA-256 (hex) and length of the last accepted chunk, and the connection it came on. */
  lastChunkHash: string | null;
  lastChunkSize: Generated<number>;
  lastConnection: string | null;
  leaseHolder: string | null;
  leaseUntil: Generated<number>;
  /** Leases so far: the fence of what their holders write. */
  leaseNumber: Generated<number>;
  /** 1 once somebody else waits for the lease's end. */
  leaseWanted: Generated<number>;
  createdAt: number;
  updatedAt: number;
  finishedAt: number | null;
}

/**
 * Bytes of an upload beyond its offset: being written (`leaseHolder`) → received (no holder) → part of what the offset
 * counts (deleted). Ranges never overlap, and received ones that touch are one.
 */
export interface UploadPartsTable {
  id: Generated<number>;
  uploadId: number;
  firstByte: number;
  /** The first byte that is not of it. */
  nextByte: number;
  leaseHolder: string | null;
  leaseUntil: Generated<number>;
  leaseWanted: Generated<number>;
}

/**
 * Waiting (`leaseUntil` 0) → leased (`leaseHolder`, `leaseUntil`) → deleted when done;
 * a failure goes back to waiting with a later `runAt`, or to dead (`deadAt`) after the last attempt.
 */
export interface JobsTable {
  id: Generated<number>;
  kind: string;
  /** JSON, validated by the kind's schema when claimed. */
  payload: string;
  /** At most one job that is not dead has it. */
  uniqueKey: string | null;
  priority: Generated<number>;
  runAt: number;
  attempts: Generated<number>;
  maxAttempts: number;
  leaseHolder: string | null;
  leaseUntil: Generated<number>;
  lastError: string | null;
  createdAt: number;
  deadAt: number | null;
  /** Of the request that it goes back to, over whatever jobs. */
  requestId: Generated<string | null>;
}

/** A site that was brought over, whole or in part. */
export interface ImportSourcesTable {
  id: Generated<number>;
  /** Tells one site from another, wherever its database lies. */
  fingerprint: string;
  /** Secret; the names of the blobs that come of its files are made from it. */
  salt: string;
  startedAt: number;
}

/** A row of another site and what it became here. It stays when that is removed, so nothing comes back. */
export interface ImportsTable {
  sourceId: number;
  foreignTable: string;
  foreignId: number;
  localId: number;
}
