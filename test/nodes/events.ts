// Many changes through two nodes, while clients lose their sockets and Redis dies: whoever reads what it watches when it connects and
// listens from then on knows every post as it is in the end, and no socket ever shows a post as it was before.
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { call, type Person, say } from '../support/classic-client.ts';
import { comment, connectNodes, type Nodes, startNodes } from './nodes.ts';

export interface EventsOptions {
  /** Comments, spread over the posts that are watched. */
  changes: number;
  disconnects: number;
  redisRestarts: number;
  /** For the nodes. */
  env?: Record<string, string>;
}

export interface EventsReport extends EventsOptions {
  posts: number;
  frames: number;
  /** Posts that a client does not know as they are, though every change was answered. */
  lost: number;
  /** Frames that showed a post as it was before the one before. */
  backwards: number;
}

const CHANGES_PER_POST = 40;
const LANES = 8;
/** Without Redis for so many changes. */
const DOWN_FOR = 20;
const PATIENCE_MS = 30_000;

export async function followEvents(options: EventsOptions): Promise<EventsReport> {
  await using nodes = await startNodes(options.env);
  const ann = await connectNodes(nodes);
  const count = Math.max(LANES, Math.ceil(options.changes / CHANGES_PER_POST));
  const ids: number[] = [];
  for (let n = 0; n < count; n += 1) ids.push(await say(nodes.one.base, ann, `post ${n}`));

  // Two stay all the time, two lose their sockets in turn, each to come back to the other node.
  const clients = [0, 1, 2, 3].map(() => createClient(ids));
  await Promise.all(clients.map((client, place) => client.connect(nodes.at(place).base)));
  const unstable = clients.slice(2);
  const meanwhile = plan(options, {
    async disconnect(turn) {
      const client = unstable[turn % unstable.length];
      await client?.connect(nodes.at(Math.floor(turn / unstable.length)).base);
    },
    kill: () => nodes.redis.kill(),
    start: () => nodes.redis.start(),
  });
  const truth = await changeAll({ nodes, ann, ids, changes: options.changes, meanwhile });
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (clients.some(({ lacks }) => lacks(truth) > 0) && performance.now() < giveUpAt) await delay(20);
  const sum = (each: (client: Client) => number): number =>
    clients.reduce((total, client) => total + each(client), 0);
  const report = {
    ...{ ...options, posts: ids.length },
    frames: sum(({ frames }) => frames()),
    lost: sum(({ lacks }) => lacks(truth)),
    backwards: sum(({ backwards }) => backwards()),
  };
  for (const client of clients) client.close();
  return report;
}

/** Answers how many comments each post has then. */
async function changeAll(work: {
  nodes: Nodes;
  ann: Person;
  ids: readonly number[];
  changes: number;
  meanwhile: (done: number) => Promise<void>;
}): Promise<Map<number, number>> {
  const { nodes, ann, ids, changes, meanwhile } = work;
  const truth = new Map(ids.map((id) => [id, 0]));
  let begun = 0;
  let done = 0;
  const lane = async (): Promise<void> => {
    for (let turn = (begun += 1); turn <= changes; turn = begun += 1) {
      const id = ids[turn % ids.length] ?? 0;
      await comment(nodes.at(turn), ann, id);
      truth.set(id, (truth.get(id) ?? 0) + 1);
      await meanwhile((done += 1));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return truth;
}

/** Spreads what goes wrong evenly over the changes. */
function plan(
  { changes, disconnects, redisRestarts }: EventsOptions,
  faults: { disconnect(turn: number): Promise<void>; kill(): Promise<void>; start(): Promise<void> },
): (done: number) => Promise<void> {
  const due = new Map<number, (() => Promise<void>)[]>();
  const at = (part: number, work: () => Promise<void>): void => {
    const when = Math.min(changes, Math.max(1, Math.round(part * changes)));
    due.set(when, [...(due.get(when) ?? []), work]);
  };
  for (let n = 0; n < disconnects; n += 1) at((n + 1) / (disconnects + 1), () => faults.disconnect(n));
  for (let n = 0; n < redisRestarts; n += 1) {
    const part = (n + 1) / (redisRestarts + 1);
    at(part, faults.kill);
    at(part + DOWN_FOR / changes, faults.start);
  }
  // One after the other: Redis is started after it was killed.
  let last = Promise.resolve();
  return async (done) => {
    for (const work of due.get(done) ?? []) last = last.then(work);
    if (due.has(done)) await last;
  };
}

interface Client {
  /** Leaves the socket it has, opens one there, and reads what it watches. */
  connect(base: string): Promise<void>;
  close(): void;
  frames(): number;
  backwards(): number;
  /** How many posts it does not know as they are. */
  lacks(truth: ReadonlyMap<number, number>): number;
}

function createClient(ids: readonly number[]): Client {
  const known = new Map<number, number>();
  let socket: WebSocket | undefined;
  let frames = 0;
  let backwards = 0;

  const learn = (id: number, comments: number): void =>
    void known.set(id, Math.max(comments, known.get(id) ?? 0));

  async function read(base: string, id: number): Promise<void> {
    const { json } = await call(base, `/api/posts/post/${id}/`);
    learn(id, json.comments.length);
  }

  return {
    async connect(base) {
      socket?.terminate();
      const opened = new WebSocket(`${base.replace('http', 'ws')}/ws/posts/likes/`);
      socket = opened;
      const shown = new Map<number, number>();
      opened.on('message', (data: Buffer) => {
        const { post_id: id, post } = JSON.parse(data.toString());
        const comments: number = post.comments.length;
        frames += 1;
        if (comments < (shown.get(id) ?? 0)) backwards += 1;
        shown.set(id, comments);
        learn(id, comments);
      });
      await once(opened, 'open');
      for (const id of ids) await read(base, id);
    },
    close: () => socket?.terminate(),
    frames: () => frames,
    backwards: () => backwards,
    lacks: (truth) => [...truth].filter(([id, comments]) => known.get(id) !== comments).length,
  };
}
