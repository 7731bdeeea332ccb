// What the routes' schemas do not say: what each is for, and what is no JSON. A test holds it complete.

export const SUMMARY =
  'Accounts, posts, pictures, videos and live updates. docs/api.md says what a description like this cannot.';

/** Descriptions by name. */
export type Notes = Record<string, string>;

export interface Operation {
  tag: 'people' | 'posts' | 'pictures and videos' | 'uploads' | 'site';
  summary: string;
  /** Where it is not the route's own. */
  path?: string;
  query?: Notes;
  headers?: Notes;
  /** By content type, where there is no schema of a body. */
  body?: Record<string, object>;
  /** By status, where there is no schema of an answer. */
  answers?: Record<string, object>;
}

const bytes = { type: 'integer', minimum: 0 };
const range = { type: 'object', required: ['start', 'end'], properties: { start: bytes, end: bytes } };
export const REFUSAL = {
  description:
    'Why not. `detail` of a GET and about tokens, `error` of anything else, or sentences by field of a form; uploads say a `code` as well.',
  type: 'object',
  properties: {
    detail: { type: 'string' },
    error: { type: 'string' },
    code: { type: 'string' },
    offset: { type: 'integer', description: 'Where an upload stands' },
    missing: { type: 'array', items: range },
  },
  additionalProperties: true,
};

export const UPLOAD = {
  type: 'object',
  required: ['id', 'videoID', 'offset', 'length', 'missing', 'finished'],
  properties: {
    id: { type: 'string', pattern: '^[0-9a-f]{32}$' },
    videoID: { type: 'integer' },
    offset: bytes,
    length: { type: ['integer', 'null'], minimum: 0 },
    missing: { type: 'array', items: range },
    finished: { type: 'boolean' },
  },
};

const upload = {
  description: 'The upload',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Upload' } } },
};
const done = { description: 'Done' };
const file = { schema: { type: 'string', format: 'binary' } };
const fileForm = { schema: { type: 'object', properties: { file: file.schema } } };
const chunkForm = {
  schema: {
    type: 'object',
    required: ['filename', 'chunk'],
    properties: {
      filename: { type: 'string', description: 'The upload is known by it' },
      offset: { type: 'string', description: 'Bytes of the file before this piece' },
      sha256: { type: 'string', description: 'Of the piece, in hex' },
      chunk: { type: 'string', description: 'A base64 data URL, or a file part with the bytes themselves' },
    },
  },
};
const newUpload = {
  schema: {
    ...{ type: 'object', required: ['length'] },
    properties: { filename: { type: 'string' }, length: bytes },
  },
};
const TUS = { 'Tus-Resumable': '1.0.0' };
const CHECKSUM = { 'Upload-Checksum': 'sha1, sha256 or crc32c, a space, and its base64' };

const people = (summary: string): Operation => ({ tag: 'people', summary });
const posts = (summary: string): Operation => ({ tag: 'posts', summary });
const media = (summary: string): Operation => ({ tag: 'pictures and videos', summary });
const uploads = (summary: string, more: Partial<Operation>): Operation => ({
  ...{ tag: 'uploads', summary },
  ...more,
});

const PER_PAGE = '1 to 40; 4 unless it is said';
const BEFORE = 'A place in the list, from the header `Link` of the page before';

/** By method and route. Of two spellings of one path the one with a slash is described. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'POST /api/users/user/register/': people('Makes an account; the picture is a data URL or a file'),
  'POST /api/users/user/token/': people('Signs in'),
  'POST /api/users/user/token/refresh/': people('A new pair of tokens for a refresh token, which is used up'),
  'POST /api/users/user/logout/': people("Ends the session; `refreshToken` may be any of one's own"),
  'POST /api/users/user/password/': people('A new password for oneself; all other sessions end'),
  'POST /api/users/user/delete/': people("Deletes one's own account with all that is one's own"),
  'GET /api/users/author/': people("One's own profile"),
  'POST /api/users/author/update/': people("Changes one's own profile; pictures are data URLs"),
  'GET /api/users/user/:id/': people('A profile, with its followers'),
  'GET /api/users/user/posts/:id/': {
    ...posts('Posts of a profile, the newest first'),
    query: { per_page: '1 to 40; 200 unless it is said', before: BEFORE },
  },
  'GET /api/users/user/follower/add/:id/': people('Follows, or ends that. Better use PUT and DELETE'),
  'PUT /api/users/user/:id/follow/': people('Follows'),
  'DELETE /api/users/user/:id/follow/': people('Ends following'),

  'GET /api/posts': {
    ...posts("Everybody's posts, the newest first"),
    path: '/api/posts/',
    query: { page: 'From 1', per_page: PER_PAGE, before: BEFORE },
  },
  'GET /api/posts/following/': {
    ...posts("Posts of those one follows and one's own, the newest first"),
    query: { per_page: PER_PAGE, before: BEFORE },
  },
  'GET /api/posts/post/search': {
    ...posts('Posts with a word that begins so, the best 40'),
    query: { q: 'Words' },
  },
  'GET /api/posts/post/:id/': posts('One post with all that was said about it'),
  'GET /api/posts/post/edit/:id/': posts("The same, of one's own alone"),
  'POST /api/posts/post/create/': posts('Makes a post, or changes the one that `existingPostId` names'),
  'GET /api/posts/post/delete/:id/': {
    ...posts('Deletes. Better use DELETE'),
    answers: { 200: { description: '200 as a text, or 404 for what is not for the viewer to delete' } },
  },
  'DELETE /api/posts/post/:id/': {
    ...posts("Deletes one's own post, comment or reply, and an admin anybody's"),
    answers: { 204: done },
  },
  'POST /api/posts/post/add/comment/': posts('Comments on a post'),
  'POST /api/posts/post/add/reply/': posts('Replies to a comment'),
  'POST /api/posts/post/add/like/': posts('Likes a post, or ends that. Better use PUT and DELETE'),
  'POST /api/posts/post/add/comment/like/': posts('The same of a comment'),
  'POST /api/posts/post/add/reply/like/': posts('The same of a reply, whose id is `commentID`'),
  'PUT /api/posts/post/:id/like/': posts('Likes a post, comment or reply'),
  'DELETE /api/posts/post/:id/like/': posts('Ends that'),

  'POST /api/posts/post/add/media/image/': media("Puts a picture, a data URL, on one's own post"),
  'PATCH /api/posts/post/media/:id/': media("Says what is to be seen on one's own picture"),
  'POST /api/posts/post/add/media/video/': {
    ...media('A piece of a video, as the original React client sends it'),
    body: { 'multipart/form-data': chunkForm },
  },
  'POST /api/posts/post/add/media/video/finalize/': media(
    "Puts an upload on one's own post: `videoID` is the id of the upload, or the number of its media",
  ),
  'POST /api/posts/post/add/media/video/retry/': media('Has a failed video tried again'),
  'POST /api/posts/post/add/media/video/captions/': media('Adds captions, in place of those of the language'),
  'POST /api/posts/post/add/media/video/captions/remove/': media('Takes captions away'),

  'POST /api/uploads': uploads('Begins an upload, or brings a whole file', {
    headers: {
      ...TUS,
      'Upload-Length': 'Bytes of the file (tus)',
      'Upload-Metadata': '`filename` and its base64 (tus)',
      ...CHECKSUM,
    },
    body: {
      'application/json': newUpload,
      'multipart/form-data': fileForm,
      'application/offset+octet-stream': file,
    },
    answers: { 201: { ...upload, headers: { Location: { schema: { type: 'string' } } } } },
  }),
  'GET /api/uploads/:id': uploads('How an upload stands', { answers: { 200: upload } }),
  'HEAD /api/uploads/:id': uploads('The same, in headers of tus', { headers: TUS, answers: { 200: done } }),
  'PATCH /api/uploads/:id': uploads('Goes on with an upload (tus)', {
    headers: { ...TUS, 'Upload-Offset': 'Where it stands', ...CHECKSUM },
    body: { 'application/offset+octet-stream': file },
    answers: { 204: done },
  }),
  'DELETE /api/uploads/:id': uploads('Gives an upload up', { answers: { 204: done } }),
  'PUT /api/uploads/:id/parts': uploads('A part of an upload, in any order', {
    ...{ headers: CHECKSUM, query: { offset: 'Bytes of the file before this part' } },
    body: { 'application/octet-stream': file },
    answers: { 200: upload },
  }),

  'GET /api/site/': { tag: 'site', summary: 'What may be posted here, and by whom' },
};
