// What a socket says: a frame for each post that changed, made once whoever listens, and in the order of the changes. After
// messages of other nodes may have been lost, the posts that changed meanwhile are found in the tables.
import type { PostRef, Posts } from '../../features/posts/index.ts';
import type { Bus } from '../../platform/realtime/bus.ts';
import { topics } from '../../platform/realtime/topics.ts';
import { createCoalescer } from './coalescer.ts';
import type { PostTexts } from './post-texts.ts';

interface LiveFramesOptions {
  posts: Posts;
  postTexts: PostTexts;
  bus: Bus;
  /** Also what authors do: posts that are new, edited, or gone (`"post":null`). */
  tellsAuthorship: boolean;
  hasListeners: () => boolean;
  /** Gives `frame` to everybody who listens. */
  deliver: (frame: Buffer) => Promise<void>;
  onError: (error: unknown) => void;
}

const WINDOW_MS = 100;
const CONCURRENCY = 8;
/** The clocks of nodes differ by seconds, and a change is noted before its transaction is over. */
const MARGIN_MS = 30_000;
const RETRY_MS = 1_000;
/** Posts whose last frame is remembered. */
const REMEMBERED = 10_000;

export function sendLiveFrames(options: LiveFramesOptions): Disposable {
  const { posts, postTexts, bus, tellsAuthorship, hasListeners, deliver, onError } = options;
  /** The version that was told last; the oldest first. */
  const told = new Map<number, number>();
  const coalescer = createCoalescer({
    windowMs: WINDOW_MS,
    concurrency: CONCURRENCY,
    send: (postId) => (hasListeners() ? tell(postId).catch(oweIt) : undefined),
  });
  /** What could not be read is made up for, as what could not be heard is. */
  function oweIt(error: unknown): void {
    onError(error);
    gaps.add(Date.now(), { later: true });
  }
  const gaps = followGaps(async (since) => {
    if (!hasListeners()) return;
    const from = since - MARGIN_MS;
    const created = tellsAuthorship ? await posts.lists.createdSince(from) : [];
    const changed = await posts.lists.changedSince(from);
    for (const ref of [...created.toReversed(), ...changed.toReversed()])
      if (!isTold(ref)) coalescer.add(ref.id);
  }, onError);
  const heard = tellsAuthorship ? [topics.posts(), topics.authorship()] : [topics.posts()];
  const ends = heard.flatMap((topic) => [
    bus.subscribe(topic, ({ postId }) => coalescer.add(postId)),
    bus.onGap(topic, ({ since }) => gaps.add(since)),
  ]);

  async function tell(postId: number): Promise<void> {
    const ref = await posts.lists.find(postId);
    if (ref === undefined) return tellsAuthorship ? tellGone(postId) : undefined;
    // The same loss may be told twice, the second time before the first was made up for.
    if (isTold(ref)) return;
    const [made] = await postTexts.of([ref]);
    if (!made) return;
    remember(postId, ref.version);
    await deliver(Buffer.concat([Buffer.from(`{"post_id":${postId},"post":`), made.text, Buffer.from('}')]));
  }

  async function tellGone(postId: number): Promise<void> {
    told.delete(postId);
    await deliver(Buffer.from(`{"post_id":${postId},"post":null}`));
  }

  function isTold({ id, version }: PostRef): boolean {
    return (told.get(id) ?? -1) >= version;
  }

  function remember(postId: number, version: number): void {
    told.delete(postId);
    told.set(postId, version);
    if (told.size <= REMEMBERED) return;
    const [oldest] = told.keys();
    if (oldest !== undefined) told.delete(oldest);
  }

  return {
    [Symbol.dispose]() {
      for (const end of ends) end();
      gaps.stop();
      coalescer.stop();
    },
  };
}

/** Makes up for gaps one after the other, those that come meanwhile together; tries again until it works. */
function followGaps(
  makeUp: (since: number) => Promise<void>,
  onError: (error: unknown) => void,
): { add(since: number, when?: { later: boolean }): void; stop(): void } {
  let owed: number | undefined;
  let busy = false;
  let stopped = false;
  let retry: NodeJS.Timeout | undefined;

  function retryLater(): void {
    clearTimeout(retry);
    retry = setTimeout(() => void work(), RETRY_MS).unref();
  }

  async function work(): Promise<void> {
    if (busy || stopped || owed === undefined) return;
    const since = owed;
    owed = undefined;
    busy = true;
    try {
      await makeUp(since);
    } catch (error) {
      owed = Math.min(owed ?? since, since);
      retryLater();
      onError(error);
      return;
    } finally {
      busy = false;
    }
    await work();
  }

  return {
    add(since, { later } = { later: false }) {
      owed = Math.min(owed ?? since, since);
      if (later) retryLater();
      else void work();
    },
    stop() {
      stopped = true;
      clearTimeout(retry);
    },
  };
}
