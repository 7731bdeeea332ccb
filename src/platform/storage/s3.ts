// Storage in a bucket of an S3-compatible store, shared by all nodes: blobs under `media/`, drafts under `uploads/`. A blob
// appears when all of it is there. docs/decisions/015-s3.md says how drafts are laid out, and why.
import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createScratch } from '../jobs/scratch.ts';
import { contentTypeOf, FOR_EVER } from './content-types.ts';
import type { S3Settings } from './settings.ts';
import { type Client, createClient, type Headers } from './s3-client.ts';
import { createDrafts } from './s3-drafts.ts';
import { absent, explainOpening, inOurWords, senseless } from './s3-errors.ts';
import { readObject, readWhole, streamOf } from './s3-reading.ts';
import { createStore, type Store } from './s3-storing.ts';
import { PATIENCE, type Patience } from './s3-transport.ts';
import { type Blob, type BlobAddress, type BlobStore, isKey, type Storage } from './storage.ts';

const BLOBS = 'media/';
const DRAFTS = 'uploads/';
const ADDRESS_LIFETIME_MS = 3_600_000;
/** Nobody works on one object for so long. */
const INCOMPLETE_MS = 86_400_000;
/** How an upload is listed that was never completed, as it is on a disk. */
const PARTIAL = '.partial';
const CHECK_MS = 3_000;
/** A start must not hang: what does not answer soon is reported. */
const OPENING = { attempts: 3, timeoutMs: 5_000, longTimeoutMs: 5_000, giveUpMs: 10_000 };

const blobObject = (key: string): string => BLOBS + checked(key);
const draftObject = (key: string): string => DRAFTS + checked(key);
const headersOf = (key: string): Headers => ({ contentType: contentTypeOf(key), cacheControl: FOR_EVER });

/** Throws UnusableStorage when the store does not answer, or does not let us in. */
export async function openS3Storage(
  settings: S3Settings,
  { patience = PATIENCE, now = Date.now }: { patience?: Patience; now?: () => number } = {},
): Promise<Storage> {
  const { endpoint, publicEndpoint = endpoint, bucket, redirect, folder } = settings;
  await tryOut(createClient(settings, { ...patience, ...OPENING })).catch((error: unknown) => {
    throw explainOpening(error, settings);
  });
  const client = createClient(settings, patience);
  const store = createStore(client);
  const scratch = createScratch(join(folder, 'work'), Date.now).folder;
  const blobs = createBlobs({ client, store, scratch, isOld: (begunAt) => begunAt < now() - INCOMPLETE_MS });
  const sign = async (key: string): Promise<BlobAddress> => ({
    url: await client.sign(blobObject(key), ADDRESS_LIFETIME_MS / 1_000),
    lifetimeMs: ADDRESS_LIFETIME_MS,
  });
  return {
    blobs: redirect ? { ...blobs, addressOf: sign } : blobs,
    drafts: createDrafts({ client, store, draftObject, blobObject, headersOf, root: DRAFTS }),
    description: `S3 (${endpoint}, bucket ${bucket}${redirect ? `, clients go to ${publicEndpoint}` : ''})`,
    ...(redirect ? { origin: new URL(publicEndpoint).origin } : {}),
    isShared: true,
    check: () =>
      inOurWords(async () => {
        if (!(await client.answers(CHECK_MS))) throw senseless('a look at the bucket');
      }),
    async [Symbol.asyncDispose]() {},
  };
}

/** All that the key must be allowed to do. */
async function tryOut(client: Client): Promise<void> {
  const object = 'check';
  await client.put(object, Buffer.from('x'), { contentType: 'text/plain' });
  for await (const _ of client.list(object)) break;
  await client.remove([object]);
}

interface BlobsOptions {
  client: Client;
  store: Store;
  /** A local folder; made when it is needed. */
  scratch: string;
  /** Whether an upload that began then has been left behind. */
  isOld(begunAt: number): boolean;
}

function createBlobs({ client, store, scratch, isOld }: BlobsOptions): BlobStore {
  async function find(key: string): Promise<Blob | undefined> {
    const object = blobObject(key);
    const found = await inOurWords(() => client.describe(object));
    if (!found) return undefined;
    const { size, modifiedAt, etag } = found;
    return {
      ...{ size, modifiedAt },
      read: ({ start, end } = { start: 0, end: size - 1 }) =>
        streamOf((signal) =>
          readObject(client, { key: object, start, end: Math.min(end, size - 1), etag }, signal),
        ),
    };
  }

  async function abortOld(object: string): Promise<void> {
    for await (const upload of client.listIncomplete(object))
      if (upload.key === object && isOld(upload.begunAt)) await client.abort(upload);
  }

  return {
    put: (key, content) => inOurWords(async () => client.put(blobObject(key), content, headersOf(key))),
    adopt: (key, path) =>
      inOurWords(async () => {
        const object = blobObject(key);
        await storeFile(store, { object, path, headers: headersOf(key) });
        await rm(path);
      }),
    open: async (key) => (isKey(key) ? find(key) : undefined),
    remove: (keys) =>
      inOurWords(async () => {
        const objects = keys.map(blobObject);
        const partial = objects.filter((object) => object.endsWith(PARTIAL));
        await client.remove(objects.filter((object) => !object.endsWith(PARTIAL)));
        for (const object of partial) await abortOld(object.slice(0, -PARTIAL.length));
      }),
    removeAll: (prefix) =>
      inOurWords(async () => {
        const folder = `${blobObject(prefix)}/`;
        for await (const page of client.list(folder)) await client.remove(page.map(({ key }) => key));
        for await (const upload of client.listIncomplete(folder)) await client.abort(upload);
      }),
    async *list() {
      for await (const page of client.list(BLOBS))
        for (const { key: object, modifiedAt } of page) {
          const key = object.slice(BLOBS.length);
          if (isKey(key)) yield { key, modifiedAt };
        }
      for await (const { key: object, begunAt } of client.listIncomplete(BLOBS)) {
        const key = object.slice(BLOBS.length) + PARTIAL;
        if (isOld(begunAt) && isKey(key)) yield { key, modifiedAt: begunAt };
      }
    },
    async withFile(key, use, options = {}) {
      checked(key);
      const blob = await find(key);
      if (!blob) throw absent();
      await mkdir(scratch, { recursive: true });
      const path = join(scratch, randomUUID());
      try {
        await pipeline(blob.read(), createWriteStream(path, { flags: 'wx' }), options);
        return await use(path);
      } finally {
        await rm(path, { force: true });
      }
    },
  };
}

async function storeFile(
  store: Store,
  { object, path, headers }: { object: string; path: string; headers: Headers },
): Promise<void> {
  await using file = await open(path);
  const { size } = await file.stat();
  await store(
    object,
    {
      size,
      async read(start, end) {
        if (start === end) return Buffer.alloc(0);
        const bytes = createReadStream(path, { fd: file.fd, autoClose: false, start, end: end - 1 });
        return readWhole(bytes, end - start);
      },
    },
    headers,
  );
}

function checked(key: string): string {
  if (!isKey(key)) throw new Error('A storage key has characters that no key of ours has');
  return key;
}
