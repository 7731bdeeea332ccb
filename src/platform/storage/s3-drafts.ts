// Drafts in an S3 store: a folder of pieces each (s3-pieces.ts), joined into a blob when they are published.
import type { Client, Headers, Listed } from './s3-client.ts';
import { createGathering } from './s3-gathering.ts';
import { absent, explain, inOurWords, isAbsent } from './s3-errors.ts';
import { cut, folderOfPiece, join, nameOfPiece, nextMoment, piecesIn, type Segment } from './s3-pieces.ts';
import { readObject, readWhole, streamOf } from './s3-reading.ts';
import type { Store } from './s3-storing.ts';
import { type DraftStore, isKey } from './storage.ts';

/** A client that sends many bodies at once, or slowly, does not get more memory than this for them. */
const PIECES = { most: 8 * 2 ** 20, least: 2 ** 18, together: 64 * 2 ** 20 };
const HEADERS: Headers = { contentType: 'application/octet-stream' };

interface DraftsOptions {
  client: Client;
  store: Store;
  /** The object of a draft's folder, and of a blob; both throw for what is no key of ours. */
  draftObject: (key: string) => string;
  blobObject: (key: string) => string;
  /** What every draft's object begins with. */
  root: string;
  headersOf: (blobKey: string) => Headers;
}

export function createDrafts(options: DraftsOptions): DraftStore {
  const { client, store, draftObject, blobObject, root, headersOf } = options;
  const { inPieces } = createGathering(PIECES);

  /** What there is from byte `start` on, up to the first gap. */
  async function find(folder: string, start = 0) {
    const objects: Listed[] = [];
    for await (const page of client.list(`${folder}/`)) objects.push(...page);
    const pieces = piecesIn(folder, objects);
    return { ...join(pieces, start), isEmpty: pieces.length === 0 };
  }

  async function clear(folder: string): Promise<void> {
    for await (const page of client.list(`${folder}/`))
      await client.remove(page.map(({ key }) => key).filter((key) => folderOfPiece(key) === folder));
  }

  async function* read(
    segments: readonly Segment[],
    range: { start: number; end: number },
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    for (const segment of cut(segments, range)) yield* readObject(client, segment, signal);
  }

  /** Whether there was enough to join, up to the end. */
  async function tryJoin(
    folder: string,
    { size, blobKey, signal }: { size: number; blobKey: string; signal: AbortSignal },
  ): Promise<boolean> {
    const found = await find(folder);
    if (found.isEmpty || found.size < size) return false;
    const content = {
      size,
      read: (start: number, end: number) =>
        readWhole(read(found.segments, { start, end }, signal), end - start),
    };
    try {
      await store(blobObject(blobKey), content, headersOf(blobKey));
      return true;
    } catch (error) {
      signal.throwIfAborted();
      // Pieces that go away meanwhile: somebody else has published it.
      if (isAbsent(explain(error))) return false;
      throw error;
    }
  }

  return {
    write: (key, { offset, fence = 0 }, content) =>
      inOurWords(async () => {
        const folder = draftObject(key);
        const moment = nextMoment();
        let position = offset;
        for await (const piece of inPieces(content)) {
          const name = nameOfPiece({ offset: position, fence, moment });
          await client.put(`${folder}/${name}`, piece, HEADERS);
          position += piece.length;
        }
        return position - offset;
      }),

    read(key, { start, end }) {
      const folder = draftObject(key);
      return streamOf(async function* (signal) {
        const { segments, isEmpty } = await find(folder, start);
        if (isEmpty) throw absent();
        yield* read(segments, { start: 0, end: end + 1 - start }, signal);
      });
    },

    publish: (key, { size, blobKey, signal = new AbortController().signal }) =>
      inOurWords(async () => {
        const [folder, object] = [draftObject(key), blobObject(blobKey)];
        // A blob that is there is whole, whereas a late writer may have left a piece after it was made.
        const isThere = async (): Promise<boolean> => (await client.describe(object))?.size === size;
        if (
          !(await isThere()) &&
          !(await tryJoin(folder, { size, blobKey, signal })) &&
          !(await client.describe(object))
        )
          throw absent();
        await clear(folder);
      }),

    remove: (key) => inOurWords(async () => clear(draftObject(key))),

    async *list() {
      let draft: { folder: string; modifiedAt: number } | undefined;
      const told = (): { key: string; modifiedAt: number }[] =>
        draft ? [{ key: draft.folder.slice(root.length), modifiedAt: draft.modifiedAt }] : [];
      for await (const page of client.list(root)) {
        for (const { key, modifiedAt } of page) {
          const folder = folderOfPiece(key);
          if (folder === undefined || !isKey(folder.slice(root.length))) continue;
          if (folder !== draft?.folder) {
            yield* told();
            draft = { folder, modifiedAt };
          }
          draft.modifiedAt = Math.max(draft.modifiedAt, modifiedAt);
        }
      }
      yield* told();
    },
  };
}
