// The few requests that we make of an S3 store, over s3mini, which signs them. Keys here are those of objects.
import { S3mini, S3ServiceError } from 's3mini';
import type { S3Settings } from './settings.ts';
import { senseless } from './s3-errors.ts';
import { createSend, createStreaming, type Patience } from './s3-transport.ts';

/** An object as the store describes it. */
export interface Described {
  size: number;
  /** Epoch milliseconds, whole seconds. */
  modifiedAt: number;
  etag: string;
}

export interface Listed {
  key: string;
  size: number;
  modifiedAt: number;
}

/** A multipart upload that was neither completed nor aborted. */
export interface Incomplete {
  key: string;
  uploadId: string;
  /** Epoch milliseconds. */
  begunAt: number;
}

export interface Headers {
  contentType: string;
  cacheControl?: string;
}

export interface Wanted {
  key: string;
  /** Inclusive. */
  start: number;
  end: number;
  /** Answers only this version. */
  etag?: string | undefined;
}

export interface Parts {
  key: string;
  uploadId: string;
}

/** S3 takes 1,000, but a store that goes through them one by one needs its time for each. */
const REMOVED_AT_ONCE = 100;

export type Client = ReturnType<typeof createClient>;

export function createClient(settings: S3Settings, patience: Patience) {
  const connect = (send: typeof fetch, endpoint = settings.endpoint): S3mini =>
    new S3mini({
      endpoint: `${endpoint}/${settings.bucket}`,
      region: settings.region,
      accessKeyId: settings.accessKeyId,
      secretAccessKey: settings.secretAccessKey,
      fetch: send,
    });
  const send = createSend(patience);
  const store = connect(send);
  const long = connect(createSend({ ...patience, timeoutMs: patience.longTimeoutMs }));
  const signer = connect(send, settings.publicEndpoint ?? settings.endpoint);

  return {
    patience,

    async describe(key: string): Promise<Described | undefined> {
      let answer: Response | undefined;
      // s3mini tells of the head no more than whether there is one.
      const looking = connect(async (...request) => (answer = await send(...request)));
      if ((await looking.objectExists(key)) !== true) return undefined;
      const size = Number(answer?.headers.get('content-length') ?? NaN);
      const modifiedAt = Date.parse(answer?.headers.get('last-modified') ?? '');
      if (Number.isNaN(size) || Number.isNaN(modifiedAt)) throw senseless('HEAD');
      return { size, modifiedAt, etag: answer?.headers.get('etag') ?? '' };
    },

    /** The bytes of a range, of which there must be at least one, until `signal` aborts. */
    async fetch({ key, start, end, etag }: Wanted, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
      const condition = etag ? { 'if-match': etag } : {};
      const streaming = connect(createStreaming(patience, signal));
      const answer = await streaming.getObjectRaw(key, false, start, end + 1, condition);
      if (answer.status === 206 && answer.body) return answer.body;
      await answer.body?.cancel();
      throw senseless('a range');
    },

    async put(key: string, content: Uint8Array, headers: Headers): Promise<void> {
      await long.putObject(key, content, headers.contentType, undefined, extra(headers));
    },

    begin: async (key: string, headers: Headers): Promise<Parts> => ({
      key,
      uploadId: await store.getMultipartUploadId(key, headers.contentType, undefined, extra(headers)),
    }),

    /** Answers the part's etag. Numbers begin with 1. */
    async putPart({ key, uploadId }: Parts, number: number, content: Uint8Array): Promise<string> {
      return (await long.uploadPart(key, uploadId, content, number)).etag;
    },

    async complete({ key, uploadId }: Parts, etags: readonly string[]): Promise<void> {
      const parts = etags.map((etag, index) => ({ partNumber: index + 1, etag }));
      const { etag } = await long.completeMultipartUpload(key, uploadId, parts);
      // A store that needs long begins to answer with 200 and may say only then that it failed.
      if (typeof etag !== 'string') throw senseless('the completion of an upload');
    },

    async abort({ key, uploadId }: Parts): Promise<void> {
      await ignoringAbsence(store.abortMultipartUpload(key, uploadId));
    },

    /** Every object whose key begins with `prefix`, a page at a time. */
    async *list(prefix: string): AsyncGenerator<Listed[]> {
      let token: string | undefined;
      do {
        const page = await store.listObjectsPaged('/', prefix, 1_000, token);
        if (!page?.objects) throw senseless('the listing of a bucket that was there');
        yield page.objects.map(({ Key, Size, LastModified }) => ({
          key: Key,
          size: Size,
          modifiedAt: LastModified.getTime(),
        }));
        token = page.nextContinuationToken;
      } while (token !== undefined);
    },

    /** Every incomplete upload of a key that begins with `prefix`; none where the store cannot list them. */
    async *listIncomplete(prefix: string): AsyncGenerator<Incomplete> {
      let markers: Record<string, string> | undefined = {};
      while (markers) {
        const page: Uploads | undefined = await ignoringAbsence(listUploads(store, { prefix, ...markers }));
        if (!page) return;
        yield* page.uploads;
        markers = page.next;
      }
    },

    async remove(keys: readonly string[]): Promise<void> {
      for (let start = 0; start < keys.length; start += REMOVED_AT_ONCE)
        await removeSome(store, keys.slice(start, start + REMOVED_AT_ONCE));
    },

    /** An address under which anybody may fetch the object for `seconds`. */
    sign: (key: string, seconds: number): Promise<string> => signer.getPresignedUrl('GET', key, seconds),

    /** Whether the bucket is there and may be looked into, at once and without patience. */
    async answers(timeoutMs: number): Promise<boolean> {
      return connect(createSend({ ...patience, attempts: 2, timeoutMs, giveUpMs: timeoutMs })).bucketExists();
    },
  };
}

/** s3mini takes any header here, and its types only those of Amazon's. */
const extra = ({ cacheControl }: Headers): Record<`x-amz-${string}`, string> | undefined =>
  cacheControl === undefined ? undefined : { ['cache-control' as 'x-amz-']: cacheControl };

async function removeSome(store: S3mini, keys: string[]): Promise<void> {
  const removed = await store.deleteObjects(keys).catch((error: unknown) => {
    // Not every store deletes many at once.
    if (error instanceof S3ServiceError && [400, 405, 501].includes(error.status)) return [];
    throw error;
  });
  for (const [index, key] of keys.entries()) if (removed[index] !== true) await store.deleteObject(key);
}

type Fields = Record<string, unknown>;

interface Uploads {
  uploads: Incomplete[];
  /** Where the next page begins. */
  next: Record<string, string> | undefined;
}

async function listUploads(store: S3mini, query: Record<string, string>): Promise<Uploads> {
  const answer = (await store.listMultipartUploads('/', '', 'GET', query)) as unknown as Fields;
  const result = (answer['ListMultipartUploadsResult'] ?? answer['listMultipartUploadsResult']) as Fields;
  if (!result) throw senseless('the listing of uploads');
  const uploads = [result['Upload'] ?? []].flat().map((upload) => readUpload(upload as Fields));
  const next =
    result['IsTruncated'] === 'true'
      ? {
          'key-marker': text(result, 'NextKeyMarker'),
          'upload-id-marker': text(result, 'NextUploadIdMarker'),
        }
      : undefined;
  return { uploads, next };
}

const readUpload = (upload: Fields): Incomplete => ({
  key: text(upload, 'Key'),
  uploadId: text(upload, 'UploadId'),
  begunAt: Date.parse(text(upload, 'Initiated')),
});

const text = (fields: Fields, name: string): string => {
  const value = fields[name];
  return typeof value === 'string' ? value : '';
};

/** Undefined for what is not there, or is not known to the store. */
async function ignoringAbsence<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof S3ServiceError && [404, 405, 501].includes(error.status)) return undefined;
    throw error;
  }
}
