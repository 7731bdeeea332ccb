// Posts as JSON text, encoded. A post looks the same to every viewer, so its text is made once per version and kept while there is
// room; a list of posts is their texts joined.
import type { FastifyReply } from 'fastify';
import type { PostRef, Posts } from '../../features/posts/index.ts';
import { compile } from '../serializer.ts';
import { toPost } from './objects.ts';
import * as schemas from './schemas.ts';

export interface PostTexts {
  /**
   * The texts of those that still exist, in the order of `refs`. Of a long list only as many as have some 16 MiB together: the
   * last ones are left out.
   */
  of(refs: readonly PostRef[]): Promise<PostText[]>;
}

export interface PostText {
  id: number;
  text: Buffer;
}

/** Sends what is JSON already. */
export const sendJson = (reply: FastifyReply, text: Buffer): FastifyReply =>
  reply.type('application/json').send(text);

/** The JSON array of these texts. */
export const joinTexts = (texts: readonly PostText[]): Buffer =>
  Buffer.concat([OPEN, ...texts.flatMap(({ text }, index) => (index === 0 ? [text] : [COMMA, text])), CLOSE]);

const OPEN = Buffer.from('[');
const COMMA = Buffer.from(',');
const CLOSE = Buffer.from(']');

interface Kept {
  version: number;
  text: Buffer;
}

const serialise = compile(schemas.post);

/** Posts that are made at a time where they are long: each may have more than a mebibyte. No fewer are answered. */
const AT_ONCE = 20;
/** Of a list, after which no more are made. */
const LIST_BYTES = 16 * 2 ** 20;

/** `capacity`: bytes kept at most; the ones not asked for longest go first. */
export function createPostTexts({ posts, capacity }: { posts: Posts; capacity: number }): PostTexts {
  const kept = new Map<number, Kept>();
  let size = 0;

  function drop(id: number): void {
    size -= kept.get(id)?.text.length ?? 0;
    kept.delete(id);
  }

  function keep(id: number, entry: Kept): void {
    drop(id);
    kept.set(id, entry);
    size += entry.text.length;
    for (const oldest of kept.keys()) {
      if (size <= capacity) return;
      drop(oldest);
    }
  }

  /** The text of this very version, moved to the end of those to go. */
  function recall({ id, version }: PostRef): Buffer | undefined {
    const entry = kept.get(id);
    if (entry?.version !== version) return undefined;
    kept.delete(id);
    kept.set(id, entry);
    return entry.text;
  }

  async function portionsOf(refs: readonly PostRef[]): Promise<(readonly PostRef[])[]> {
    const missing = refs.filter(({ id, version }) => kept.get(id)?.version !== version);
    if (missing.length <= AT_ONCE || !(await posts.views.areLong(missing.map(({ id }) => id)))) return [refs];
    const count = Math.ceil(refs.length / AT_ONCE);
    return Array.from({ length: count }, (_, place) => refs.slice(place * AT_ONCE, (place + 1) * AT_ONCE));
  }

  async function make(refs: readonly PostRef[]): Promise<PostText[]> {
    const texts = new Map<number, PostText>();
    for (const ref of refs) {
      const text = recall(ref);
      if (text !== undefined) texts.set(ref.id, { id: ref.id, text });
    }
    const missing = refs.filter(({ id }) => !texts.has(id));
    const versions = new Map(missing.map(({ id, version }) => [id, version]));
    for (const view of await posts.views.byId([...versions.keys()])) {
      const text = Buffer.from(serialise(toPost(view)));
      texts.set(view.id, { id: view.id, text });
      // The view may be newer than the version that was read before it, never older: at worst it is made once more.
      keep(view.id, { version: versions.get(view.id) ?? 0, text });
    }
    return refs.flatMap(({ id }) => texts.get(id) ?? []);
  }

  return {
    async of(refs) {
      const texts: PostText[] = [];
      let bytes = 0;
      const isFull = (): boolean => texts.length >= AT_ONCE && bytes >= LIST_BYTES;
      for (const portion of await portionsOf(refs)) {
        for (const made of isFull() ? [] : await make(portion)) {
          if (isFull()) break;
          texts.push(made);
          bytes += made.text.length;
        }
      }
      return texts;
    },
  };
}
