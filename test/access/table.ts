// Who gets which status where: every route of the server, by everybody who may ask. Whatever a request names (the post,
// the profile, the upload, the refresh token) is the owner's, unless its second line says otherwise; `other` and `admin`
// are signed in and have nothing to do with it. All that an admin may do beyond others is to delete what anybody said.

export const VIEWERS = ['none', 'bad', 'suspended', 'other', 'admin', 'owner'] as const;
export type Viewer = (typeof VIEWERS)[number];

/** After the path, in brackets, which of several requests to that route it is. */
const TABLE = `
method    path                                           none  bad  suspended  other  admin  owner

POST      /api/users/user/register/                       201  201        201    201    201    201
POST      /api/users/user/token/           [own]          401  401        401    200    200    200
POST      /api/users/user/token/refresh/   [own]          401  401        401    200    200    200
POST      /api/users/user/password/        [wrong]        401  401        401    400    400    400
POST      /api/users/user/delete/          [wrong]        401  401        401    400    400    400
POST      /api/users/user/logout/                         401  401        401    200    200    200
GET       /api/users/author/                              401  401        401    200    200    200
POST      /api/users/author/update/                       401  401        401    403    403    200
GET       /api/users/user/:id/                            401  401        401    200    200    200
GET       /api/users/user/posts/:id/                      401  401        401    200    200    200
GET       /api/users/user/follower/add/:id/               401  401        401    200    200    400
PUT       /api/users/user/:id/follow/                     401  401        401    200    200    400
DELETE    /api/users/user/:id/follow/                     401  401        401    200    200    400

GET       /api/posts                                      401  401        401    200    200    200
GET       /api/posts/following/                           401  401        401    200    200    200
GET       /api/posts/post/search                          200  401        401    200    200    200
GET       /api/posts/post/:id                             200  401        401    200    200    200
GET       /api/posts/post/:id/                            200  401        401    200    200    200
GET       /api/posts/post/edit/:id                        401  401        401    404    404    200
GET       /api/posts/post/edit/:id/                       401  401        401    404    404    200
POST      /api/posts/post/create/          [new]          401  401        401    201    201    201
POST      /api/posts/post/create/          [edit]         401  401        401    403    403    201
POST      /api/posts/post/create/          [detach]       401  401        401    403    403    201
GET       /api/posts/post/delete/:id                      401  401        401    200    200    404
GET       /api/posts/post/delete/:id/                     401  401        401    200    200    404
DELETE    /api/posts/post/:id/                            401  401        401    403    204    404
DELETE    /api/posts/post/:id/             [comment]      401  401        401    403    204    404

POST      /api/posts/post/add/comment/                    401  401        401    200    200    200
POST      /api/posts/post/add/reply/                      401  401        401    200    200    200
POST      /api/posts/post/add/like/                       401  401        401    200    200    200
POST      /api/posts/post/add/comment/like/               401  401        401    200    200    200
POST      /api/posts/post/add/reply/like/                 401  401        401    200    200    200
PUT       /api/posts/post/:id/like/                       401  401        401    200    200    200
DELETE    /api/posts/post/:id/like/                       401  401        401    200    200    200

POST      /api/posts/post/add/media/image/                401  401        401    403    403    200
PATCH     /api/posts/post/media/:id/                      401  401        401    404    404    200
POST      /api/posts/post/add/media/video/                401  401        401    200    200    200
POST      /api/posts/post/add/media/video/finalize/       401  401        401    403    403    200
POST      /api/posts/post/add/media/video/finalize/ [own] 401  401        401    404    404    200
POST      /api/posts/post/add/media/video/retry/          401  401        401    403    403    404
POST      /api/posts/post/add/media/video/captions/       401  401        401    403    403    404
POST      /api/posts/post/add/media/video/captions/remove/ 401 401        401    403    403    404

OPTIONS   /api/uploads                                    204  204        204    204    204    204
OPTIONS   /api/uploads/:id                                204  204        204    204    204    204
POST      /api/uploads                                    401  401        401    201    201    201
GET,HEAD  /api/uploads/:id                                401  401        401    404    404    200
PATCH     /api/uploads/:id                                401  401        401    404    404    204
DELETE    /api/uploads/:id                                401  401        401    404    404    204
PUT       /api/uploads/:id/parts                          401  401        401    404    404    200

GET,HEAD  /api/site                                       200  200        200    200    200    200
GET,HEAD  /api/site/                                      200  200        200    200    200    200
GET,HEAD  /api/openapi.json                               200  200        200    200    200    200

GET       /ws/posts/                                      426  426        426    426    426    426
GET       /ws/posts/likes/                                426  426        426    426    426    426
GET,HEAD  /health                                        200  200        200    200    200    200
GET,HEAD  /ready                                         200  200        200    200    200    200
GET,HEAD  /media/default_profile_picture.png              200  200        200    200    200    200
GET,HEAD  /media/default_cover_image.png                  200  200        200    200    200    200
GET,HEAD  /media/*                                        200  200        200    200    200    200
GET,HEAD  /assets/*                                       200  200        200    200    200    200
GET,HEAD  /index.html*                                    200  200        200    200    200    200
GET,HEAD  /                                               200  200        200    200    200    200
GET,HEAD  /following                                      200  200        200    200    200    200
GET,HEAD  /signin                                         200  200        200    200    200    200
GET,HEAD  /signup                                         200  200        200    200    200    200
GET,HEAD  /search                                         200  200        200    200    200    200
GET,HEAD  /people/:id                                     200  200        200    200    200    200
GET,HEAD  /posts/:id                                      200  200        200    200    200    200
OPTIONS   *                                               200  200        200    200    200    200
`;

/** Where the admin, who asks before the owner, has deleted what is the owner's. */
export const MODERATED: ReadonlySet<string> = new Set([
  'DELETE /api/posts/post/:id/',
  'GET /api/posts/post/delete/:id',
  'GET /api/posts/post/delete/:id/',
]);

export interface Row {
  method: string;
  path: string;
  /** Which of several requests; empty for the only one. */
  variant: string;
  expected: Record<Viewer, number>;
}

/** One row for each method. */
export const rows: readonly Row[] = TABLE.split('\n')
  .filter((line) => /^[A-Z]/.test(line))
  .flatMap(parse);

function parse(line: string): Row[] {
  const [methods = '', path = '', ...rest] = line.trim().split(/\s+/);
  const variant = rest[0]?.startsWith('[') ? rest[0].slice(1, -1) : '';
  const statuses = rest.slice(variant ? 1 : 0).map(Number);
  if (statuses.length !== VIEWERS.length) throw new Error(`a row has not six statuses: ${line}`);
  const expected = Object.fromEntries(VIEWERS.map((viewer, place) => [viewer, statuses[place]]));
  return methods
    .split(',')
    .map((method) => ({ method, path, variant, expected: expected as Row['expected'] }));
}

/** The path as the table has it: files that the page's build names are one row. */
export function generalise(path: string): string {
  if (path.startsWith('/assets/')) return '/assets/*';
  return path.startsWith('/index.html') ? '/index.html*' : path;
}
