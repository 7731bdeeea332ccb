// People who post, comment, like, follow and sign out, one request after the other, until the server is gone.
import { type Answer, call } from '../support/classic-client.ts';
import { addSaid, change, flagOf, isAccepted, type Ledger, type Said, topOf, type Writer } from './ledger.ts';
import type { Random } from './random.ts';

export interface Scene {
  readonly base: string;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly writer: Writer;
  /** A word that nothing else has. */
  name(): string;
}

type Action = (scene: Scene) => Promise<Answer | undefined>;

/** Refusals that a race with a deletion brings about. */
const REFUSALS = [403, 404, 409];

/** One random thing that people do. Throws when the connection is cut, and for an answer that nobody should get. */
export async function act(scene: Scene): Promise<void> {
  await observe(scene, draw(scene.random));
}

/** Counts what `action` gets answered. */
export async function observe(scene: Scene, action: Action): Promise<void> {
  const { ledger } = scene;
  ledger.inDoubt += 1;
  const answer = await action(scene);
  ledger.inDoubt -= 1;
  if (!answer) return;
  if (isAccepted(answer)) ledger.acknowledged += 1;
  else if (!REFUSALS.includes(answer.status))
    throw new UnexpectedAnswer(`${answer.status}: ${answer.text.slice(0, 200)}`);
}

export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';
}

/** Something said that exists as far as is known, and has an id. */
export function pickSaid(
  { ledger, random }: Scene,
  isWanted: (said: Said) => boolean,
): (Said & { id: number }) | undefined {
  const hasId = (said: Said): said is Said & { id: number } => said.id !== undefined;
  const list = [...ledger.said.values()].slice(-400).filter(hasId);
  return random.pick(list.filter((said) => said.exists.may.includes(true) && isWanted(said)));
}

export async function write(scene: Scene): Promise<Answer> {
  const { base, ledger, writer } = scene;
  const post = addSaid(ledger, { marker: scene.name(), author: writer, parent: undefined });
  ledger.touched.add(post);
  const body = { authorName: 'whoever', description: post.marker, existingPostId: '', deleteImages: [] };
  const answer = await change(post.exists, always, () =>
    call(base, '/api/posts/post/create/', { token: writer.access, body }),
  );
  if (isAccepted(answer)) post.id = answer.json.post_id;
  return answer;
}

const respond =
  (level: 'comment' | 'reply'): Action =>
  async (scene) => {
    const { base, ledger, writer } = scene;
    const parent = pickSaid(scene, (said) => depthOf(said) === (level === 'comment' ? 0 : 1));
    if (!parent) return undefined;
    ledger.touched.add(topOf(parent));
    const said = addSaid(ledger, { marker: scene.name(), author: writer, parent });
    const target = level === 'comment' ? { postID: parent.id } : { commentID: parent.id };
    const body = { ...target, authorID: writer.id, commentContent: said.marker };
    return change(said.exists, always, () =>
      call(base, `/api/posts/post/add/${level}/`, { token: writer.access, body }),
    );
  };

const edit: Action = async (scene) => {
  const { base, ledger, writer } = scene;
  const post = pickSaid(scene, (said) => said.author === writer && !said.parent);
  if (!post) return undefined;
  ledger.touched.add(post);
  const description = `${post.marker} ${scene.name()}`;
  const body = { description, existingPostId: post.id, deleteImages: [] };
  return change(
    post.text,
    () => description,
    () => call(base, '/api/posts/post/create/', { token: writer.access, body }),
  );
};

const remove: Action = async (scene) => {
  const { base, ledger, random, writer } = scene;
  // What an upload is on its way to stays.
  const said = pickSaid(scene, (one) => one.author === writer && one !== writer.upload?.post);
  if (!said) return undefined;
  ledger.touched.add(topOf(said));
  const options = { token: writer.access };
  const asClassic = !said.parent && random.chance(0.5);
  return change(said.exists, never, () =>
    asClassic
      ? call(base, `/api/posts/post/delete/${said.id}`, options)
      : call(base, `/api/posts/post/${said.id}/`, { ...options, method: 'DELETE' }),
  );
};

const toggleLike: Action = async (scene) => {
  const { base, ledger, writer } = scene;
  const said = pickSaid(scene, () => true);
  if (!said) return undefined;
  ledger.touched.add(topOf(said));
  const path = ['like', 'comment/like', 'reply/like'][depthOf(said)];
  const body = said.parent ? { commentID: said.id } : { postID: said.id };
  return change(
    flagOf(said.likes, writer.id),
    (liked) => !liked,
    () => call(base, `/api/posts/post/add/${path}/`, { token: writer.access, body }),
  );
};

const setLike: Action = async (scene) => {
  const { base, ledger, random, writer } = scene;
  const said = pickSaid(scene, () => true);
  if (!said) return undefined;
  ledger.touched.add(topOf(said));
  const liked = random.chance(0.6);
  const options = { method: liked ? 'PUT' : 'DELETE', token: writer.access };
  return change(
    flagOf(said.likes, writer.id),
    () => liked,
    () => call(base, `/api/posts/post/${said.id}/like/`, options),
  );
};

const follow: Action = async ({ base, ledger, random, writer }) => {
  const other = random.pick(ledger.writers.filter((one) => one !== writer));
  if (!other) return undefined;
  const follows = flagOf(writer.follows, other.id);
  const token = writer.access;
  if (random.chance(0.5))
    return change(
      follows,
      (now) => !now,
      () => call(base, `/api/users/user/follower/add/${other.id}/`, { token }),
    );
  const following = random.chance(0.6);
  const method = following ? 'PUT' : 'DELETE';
  return change(
    follows,
    () => following,
    () => call(base, `/api/users/user/${other.id}/follow/`, { method, token }),
  );
};

const signOut: Action = async ({ base, writer }) => {
  const spare = writer.spares.find(({ ended }) => ended.may.length === 1 && ended.may[0] === false);
  if (!spare) return undefined;
  const body = { accessToken: spare.access, refreshToken: spare.refresh };
  return change(spare.ended, always, () =>
    call(base, '/api/users/user/logout/', { token: spare.access, body }),
  );
};

/** Not counted among what must survive by itself: the check is that whoever asked for new tokens has a way on. */
const refresh: Action = async ({ base, writer }) => {
  writer.refreshSentAt = Date.now();
  const answer = await call(base, '/api/users/user/token/refresh/', { body: { refresh: writer.refresh } });
  if (answer.status >= 500) return answer;
  writer.refreshSentAt = undefined;
  if (isAccepted(answer)) Object.assign(writer, answer.json);
  return answer;
};

/** Has the server keep the view of a post, which a later change must then make anew. */
const look: Action = async (scene) => {
  const post = pickSaid(scene, (said) => !said.parent);
  await (post && call(scene.base, `/api/posts/post/${post.id}/`));
  return undefined;
};

const WEIGHTS: readonly (readonly [Action, number])[] = [
  [setLike, 20],
  [toggleLike, 20],
  [respond('comment'), 12],
  [respond('reply'), 10],
  [write, 8],
  [look, 8],
  [follow, 8],
  [edit, 6],
  [remove, 4],
  [signOut, 3],
  [refresh, 2],
];
const ACTIONS = WEIGHTS.flatMap(([action, weight]) => Array.from({ length: weight }, () => action));

const draw = (random: Random): Action => random.pick(ACTIONS) ?? write;
const always = (): boolean => true;
const never = (): boolean => false;
const depthOf = ({ parent }: Said): 0 | 1 | 2 => (parent ? deeper(parent) : 0);
const deeper = ({ parent }: Said): 1 | 2 => (parent ? 2 : 1);
