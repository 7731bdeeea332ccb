// Large objects in parts: a few in memory at a time, whatever the size. The object appears when all of them are there.
import { S3ServiceError } from 's3mini';
import { createTurnstile } from '../turnstile.ts';
import type { Client, Headers, Parts } from './s3-client.ts';
import { senseless } from './s3-errors.ts';

/** Bytes; S3 takes no less than 5 MiB but for the last, and no more than 10,000 of them. */
const PART_BYTES = 8 * 2 ** 20;
const MAX_PARTS = 10_000;
/** Parts on their way at once for one object, and objects at once; each part is in memory up to four times while it is sent. */
const PARTS_AT_ONCE = 2;
const OBJECTS_AT_ONCE = 2;
const COMPLETIONS = 3;

export interface Content {
  size: number;
  /** The bytes from `start` up to and not including `end`. */
  read(start: number, end: number): Promise<Uint8Array>;
}

export type Store = (key: string, content: Content, headers: Headers) => Promise<void>;

export function createStore(client: Client): Store {
  const takeTurn = createTurnstile({
    concurrency: OBJECTS_AT_ONCE,
    queueLimit: Infinity,
    refuse: () => senseless('nothing'),
  });
  return async (key, content, headers) => {
    if (content.size <= PART_BYTES) return client.put(key, await content.read(0, content.size), headers);
    return takeTurn(async () => {
      const parts = await client.begin(key, headers);
      try {
        await complete(client, { parts, size: content.size, etags: await putParts(client, parts, content) });
      } catch (error) {
        // What stays behind is found among the incomplete uploads.
        await client.abort(parts).catch(() => undefined);
        throw error;
      }
    });
  };
}

async function putParts(client: Client, parts: Parts, { size, read }: Content): Promise<string[]> {
  const partSize = Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS));
  const count = Math.ceil(size / partSize);
  const etags: string[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      const start = index * partSize;
      try {
        const content = await read(start, Math.min(size, start + partSize));
        etags[index] = await client.putPart(parts, index + 1, content);
      } catch (error) {
        next = count;
        throw error;
      }
    }
  };
  // All have come to an end before the upload is given up: a part that arrives afterwards would stay.
  const ends = await Promise.allSettled(Array.from({ length: PARTS_AT_ONCE }, work));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return etags;
}

/** Completing may succeed although its answer says otherwise, or is lost. */
async function complete(
  client: Client,
  { parts, size, etags }: { parts: Parts; size: number; etags: string[] },
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await client.complete(parts, etags);
    } catch (error) {
      if ((await client.describe(parts.key))?.size === size) return;
      if (tries === COMPLETIONS || error instanceof S3ServiceError) throw error;
    }
  }
}
