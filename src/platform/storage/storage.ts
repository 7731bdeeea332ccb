// Where bytes live. Blobs are finished and never change under their key; drafts are uploads on their way in.
// Whatever a method has answered for is durable: it survives kill -9 and a power loss.
import type { Readable } from 'node:stream';

export interface Storage extends AsyncDisposable {
  readonly blobs: BlobStore;
  readonly drafts: DraftStore;
  /** What the start report says, e.g. `local disk ./data`. */
  readonly description: string;
  /** The origin that addresses of blobs lead to, if there are any. */
  readonly origin?: string;
  /** Whether all processes of the site have this one, wherever they run. */
  readonly isShared: boolean;
  /** Resolves when files can be stored just now; cheap enough to be asked every few seconds. */
  check(): Promise<void>;
}

/** Keys are made by us: segments of `a-z A-Z 0-9 . _ -` joined by `/`. Anything else is answered as absent. */
export interface BlobStore {
  put(key: string, content: Uint8Array): Promise<void>;
  /** Moves a local file into the store. */
  adopt(key: string, path: string): Promise<void>;
  open(key: string): Promise<Blob | undefined>;
  /** Where a client may fetch the blob by itself, without asking here; only in stores that clients can reach. */
  addressOf?(key: string): Promise<BlobAddress>;
  /** Removes blobs; absent ones are no error. */
  remove(keys: readonly string[]): Promise<void>;
  /** Removes every blob whose key begins with `prefix` and a `/`. */
  removeAll(prefix: string): Promise<void>;
  /**
   * Every blob, in no order, and what a crash left of one; what comes or goes meanwhile may be there or not. What others have put
   * there under a name that is no key is not.
   */
  list(): AsyncIterable<StoredFile>;
  /**
   * Gives `use` a local path to read the blob from, for programs that need a file. An absent one fails with the code ENOENT. `signal`
   * ends the fetching of it; `use` sees to itself.
   */
  withFile<T>(key: string, use: (path: string) => Promise<T>, options?: { signal?: AbortSignal }): Promise<T>;
}

export interface BlobAddress {
  url: string;
  /** Milliseconds that it is good for. */
  lifetimeMs: number;
}

export interface StoredFile {
  key: string;
  /** Epoch milliseconds. */
  modifiedAt: number;
}

export interface Blob {
  /** Bytes. */
  size: number;
  /** Epoch milliseconds. */
  modifiedAt: number;
  /** `end` is inclusive, as in HTTP's Range. */
  read(range?: { start: number; end: number }): Readable;
}

export interface DraftStore {
  /**
   * Writes over whatever an unacknowledged attempt left there, and makes it durable. Answers the bytes written. Is done with
   * what `content` yields when it asks for the next.
   */
  write(
    key: string,
    place: DraftPlace,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<number>;
  /** `end` is inclusive. A draft that is not there fails with the code ENOENT, once it is read and not before. */
  read(key: string, range: { start: number; end: number }): Readable;
  /**
   * Cuts the draft to `size` and makes it the blob `blobKey`. Repeating a publish that already happened is no error. One that
   * `signal` ends leaves the draft as it is.
   */
  publish(key: string, blob: { size: number; blobKey: string; signal?: AbortSignal }): Promise<void>;
  remove(key: string): Promise<void>;
  /** As for blobs. */
  list(): AsyncIterable<StoredFile>;
}

export interface DraftPlace {
  /** Bytes of the draft before this. */
  offset: number;
  /**
   * The number of the writer's lease. What is written under a lower one never counts where a higher one has written, even
   * if it arrives later; of one number, the later write counts. Without it there is only ever one writer.
   */
  fence?: number;
}

const KEY = /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;

export const isKey = (key: string): boolean => key.length <= 300 && KEY.test(key);
