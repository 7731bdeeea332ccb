// The routes of the classic wire, by what they ask for. Ids in their paths are 1.

export type Route = [method: string, path: string];
export const READS: Route[] = [
  ['GET', '/api/users/author/'],
  ['GET', '/api/users/user/1/'],
  ['GET', '/api/users/user/posts/1/'],
  ['GET', '/api/users/user/follower/add/1/'],
  ['GET', '/api/posts/'],
  ['GET', '/api/posts/?page=2'],
  ['GET', '/api/posts/post/edit/1'],
  ['GET', '/api/posts/post/edit/1/'],
  ['GET', '/api/posts/post/delete/1'],
  ['GET', '/api/posts/post/delete/1/'],
];
export const JSON_POSTS: Route[] = [
  ['POST', '/api/users/user/logout/'],
  ['POST', '/api/users/user/password/'],
  ['POST', '/api/users/author/update/'],
  ['POST', '/api/posts/post/create/'],
  ['POST', '/api/posts/post/add/like/'],
  ['POST', '/api/posts/post/add/comment/'],
  ['POST', '/api/posts/post/add/reply/'],
  ['POST', '/api/posts/post/add/comment/like/'],
  ['POST', '/api/posts/post/add/reply/like/'],
  ['POST', '/api/posts/post/add/media/image/'],
  ['POST', '/api/posts/post/add/media/video/finalize/'],
  ['POST', '/api/posts/post/add/media/video/retry/'],
  ['POST', '/api/posts/post/add/media/video/captions/'],
  ['POST', '/api/posts/post/add/media/video/captions/remove/'],
];
const OWN_VERBS: Route[] = [
  ['PUT', '/api/users/user/1/follow/'],
  ['DELETE', '/api/users/user/1/follow/'],
  ['PUT', '/api/posts/post/1/like/'],
  ['DELETE', '/api/posts/post/1/like/'],
  ['DELETE', '/api/posts/post/1/'],
  ['PATCH', '/api/posts/post/media/1/'],
];
export const FOR_MEMBERS: Route[] = [
  ...READS,
  ...JSON_POSTS,
  ['POST', '/api/posts/post/add/media/video/'],
  ...OWN_VERBS,
];
export const FOR_ALL_TO_READ: Route[] = [
  ['GET', '/api/posts/post/1'],
  ['GET', '/api/posts/post/1/'],
  ['GET', '/api/posts/post/search?q=x'],
];
export const FORMS: Route[] = [
  ['POST', '/api/users/user/register/'],
  ['POST', '/api/users/user/token/'],
  ['POST', '/api/users/user/token/refresh/'],
];
