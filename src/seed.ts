// Fills an empty site with people and what they say to each other, through the same verbs that a request would call.
// The content is the same at every run; the password is not, so that no site in the world has a known one.
import { randomBytes } from 'node:crypto';
import type { App } from './app.ts';
import type { Viewer } from './features/users/index.ts';
import { conflict } from './platform/errors.ts';
import { renderDrawing } from './platform/pictures/drawings.ts';
import { drawAvatar } from './seed/avatars.ts';
import type { SeedClock } from './seed/clock.ts';
import { type Comment, posts } from './seed/conversations.ts';
import { type FilmName, makeFilm } from './seed/films.ts';
import { people } from './seed/people.ts';
import { pictures } from './seed/pictures.ts';
import { createRandom, type Random } from './seed/random.ts';

/** A composed app; with the clock it runs on, what is said lies spread over the last days. */
export type Site = App & { readonly clock?: SeedClock };

type Print = (line: string) => void;

const HOUR_MS = 3_600_000;
const CHUNK_BYTES = 2 ** 20;

/**
 * Prints the logins. Videos are encoded by the server that runs on the same data, else here before this ends.
 * Throws `conflict` (`site_not_empty`) when somebody has signed up already.
 */
export async function seed(site: Site, print: Print): Promise<void> {
  const settled = await site.users.accounts.list();
  if (settled.length > 0) {
    throw conflict(
      'site_not_empty',
      `This site has people already (${settled.length}), so nothing was added. An empty data folder (DATA_DIR) can be seeded.`,
    );
  }
  const start = Date.now();
  const at = (hoursAgo: number): void => site.clock?.set(Math.round(start - hoursAgo * HOUR_MS));
  // Whatever is drawn, it is too unlike any of their names and addresses to be refused.
  const password = `seed-${randomBytes(6).toString('hex')}`;

  at(140);
  const viewers = await signUpAll(site, password);
  await followEachOther(site, viewers);
  print(`${viewers.size} people have signed up.`);

  const said = await sayAll(site, { viewers, at });
  const films = await attachFilms(site, { said, at, print });
  const pictureCount = await attachPictures(site, { said, at });
  print(`They have posted ${said.length} times, with ${pictureCount} pictures and ${films.length} videos.`);
  await talk(site, { viewers, said, at });
  print('They have followed, liked, commented and replied.');

  site.clock?.set();
  if (films.length > 0) print(await encodeFilms(site, films));
  print('');
  print(`Sign in as any of ${people.map(({ username }) => username).join(', ')}`);
  print(`with the password ${password}`);
}

type Viewers = ReadonlyMap<string, Viewer>;
type At = (hoursAgo: number) => void;

/** A post of the plan and what became of it. */
interface Said {
  post: (typeof posts)[number];
  id: number;
  viewer: Viewer;
}

async function signUpAll({ profiles }: Site, password: string): Promise<Viewers> {
  const viewers = new Map<string, Viewer>();
  for (const { username, firstName, lastName, bio, look, cover } of people) {
    const { userId, profileId } = await profiles.signUp({
      form: { username, firstName, lastName, email: `${username}@veranda.example`, password },
      picture: await renderDrawing(drawAvatar(look)),
      address: `seed-${username}`,
    });
    const viewer: Viewer = { userId, profileId, sessionId: 0, role: 'user' };
    await profiles.update({ viewer, bio, cover: cover && (await renderDrawing(pictures[cover]())) });
    viewers.set(username, viewer);
  }
  return viewers;
}

async function followEachOther({ profiles }: Site, viewers: Viewers): Promise<void> {
  for (const { username, follows } of people) {
    for (const followed of follows) {
      const { profileId } = named(viewers, followed);
      await profiles.follows.set({ viewer: named(viewers, username), profileId, following: true });
    }
  }
}

async function sayAll(site: Site, { viewers, at }: { viewers: Viewers; at: At }): Promise<Said[]> {
  const said: Said[] = [];
  for (const post of posts) {
    at(post.hoursAgo);
    const viewer = named(viewers, post.by);
    said.push({ post, viewer, id: await site.posts.writing.create({ viewer, text: post.text }) });
  }
  return said;
}

/** Answers the posts that got one. Before the pictures, so that a running server has the most time for them. */
async function attachFilms(
  site: Site,
  { said, at, print }: { said: readonly Said[]; at: At; print: Print },
): Promise<number[]> {
  const { ffmpeg } = site.report;
  if (!ffmpeg) {
    print('There is no ffmpeg here, so there are no videos.');
    return [];
  }
  const postIds: number[] = [];
  for (const { post, id, viewer } of said) {
    if (!post.film) continue;
    at(post.hoursAgo);
    const content = await makeFilm(ffmpeg, post.film);
    await uploadFilm(site, { viewer, postId: id, name: post.film, content });
    postIds.push(id);
  }
  return postIds;
}

async function uploadFilm(
  { media, posts: { attaching } }: Site,
  film: { viewer: Viewer; postId: number; name: FilmName; content: Buffer },
): Promise<void> {
  const { viewer, postId, name, content } = film;
  for (let offset = 0; offset < content.length; offset += CHUNK_BYTES) {
    const { mediaId, offset: stored } = await media.uploads.append({
      ...{ viewer, offset, label: `${name}.mp4`, connection: 'seed' },
      content: content.subarray(offset, offset + CHUNK_BYTES),
    });
    if (stored === content.length) await attaching.addVideo({ viewer, postId, upload: mediaId });
  }
}

async function attachPictures(site: Site, { said, at }: { said: readonly Said[]; at: At }): Promise<number> {
  let count = 0;
  for (const { post, id, viewer } of said) {
    at(post.hoursAgo);
    for (const name of post.pictures ?? []) {
      const bytes = await renderDrawing(pictures[name]());
      await site.posts.attaching.addPicture({ viewer, postId: id, bytes });
      count += 1;
    }
  }
  return count;
}

/** Comments, replies and likes; each some minutes to an hour after what it answers. */
async function talk(
  site: Site,
  { viewers, said, at }: { viewers: Viewers; said: readonly Said[]; at: At },
): Promise<void> {
  const random = createRandom(1);
  for (const { post, id, viewer } of said) {
    const moments = (post.comments ?? []).reduce((sum, { replies = [] }) => sum + 1 + replies.length, 1);
    const step = Math.min(post.hoursAgo / (moments + 1), random.between(0.2, 0.9));
    let hoursAgo = post.hoursAgo;
    const later = (): void => at((hoursAgo -= step));
    const fans = choose(random, { viewers, atLeast: 3 }).filter((fan) => fan !== viewer);
    await like(site, { id, by: fans });
    for (const comment of post.comments ?? [])
      await answer(site, { viewers, random, postId: id, comment, later });
  }
}

async function answer(
  site: Site,
  thread: { viewers: Viewers; random: Random; postId: number; comment: Comment; later: () => void },
): Promise<void> {
  const { viewers, random, postId, comment, later } = thread;
  const { writing } = site.posts;
  later();
  const commentId = await writing.comment({ viewer: named(viewers, comment.by), postId, text: comment.text });
  await like(site, { id: commentId, by: choose(random, { viewers, atLeast: 0, atMost: 3 }) });
  for (const { by, text } of comment.replies ?? []) {
    later();
    const id = await writing.reply({ viewer: named(viewers, by), commentId, text });
    await like(site, { id, by: choose(random, { viewers, atLeast: 0, atMost: 2 }) });
  }
}

async function like({ posts: { likes } }: Site, { id, by }: { id: number; by: Viewer[] }): Promise<void> {
  for (const viewer of by) await likes.set({ viewer, id, liked: true });
}

function choose(
  random: Random,
  { viewers, atLeast, atMost = viewers.size }: { viewers: Viewers; atLeast: number; atMost?: number },
): Viewer[] {
  return random.shuffle([...viewers.values()]).slice(0, random.whole(atLeast, atMost));
}

/** Does what no running server has taken up meanwhile; leases keep the two apart. */
async function encodeFilms({ worker, media }: Site, postIds: readonly number[]): Promise<string> {
  await worker.start();
  await worker.idle();
  const attached = [...(await media.views.byPost(postIds)).values()].flat();
  const ready = attached.filter(({ hlsPrefix }) => hlsPrefix !== null);
  if (ready.length === attached.length) return 'The videos are ready to play.';
  const failed = attached.find(({ failure }) => failure !== null);
  return failed?.failure ?? 'The server is preparing the videos.';
}

function named(viewers: Viewers, username: string): Viewer {
  const viewer = viewers.get(username);
  if (!viewer) throw new Error(`nobody here is called ${username}`);
  return viewer;
}
