// Objects as Node streams. A connection that breaks in the middle is taken up again where it broke, and a reader who goes
// away frees it at once.
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { S3ServiceError } from 's3mini';
import type { Client, Wanted } from './s3-client.ts';
import { absent, explain, senseless } from './s3-errors.ts';
import { backoff } from './s3-transport.ts';

/** Bytes held for each client that reads slowly, besides what is in the connection. */
const READ_AHEAD = 65_536;

/** Pulls `source` as it is read; its signal aborts when the stream is destroyed. */
export function streamOf(source: (signal: AbortSignal) => AsyncGenerator<Uint8Array>): Readable {
  const reading = new AbortController();
  let chunks: AsyncGenerator<Uint8Array> | undefined;
  return new Readable({
    highWaterMark: READ_AHEAD,
    read() {
      chunks ??= source(reading.signal);
      chunks.next().then(
        ({ done, value }) => this.push(done ? null : value),
        (error: unknown) => this.destroy(asError(explain(error))),
      );
    },
    destroy(error, callback) {
      reading.abort();
      callback(error);
    },
  });
}

/** The bytes of a range; nothing where it is empty. */
export async function* readObject(
  client: Client,
  wanted: Wanted,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { patience } = client;
  let { start } = wanted;
  let failures = 0;
  while (start <= wanted.end) {
    try {
      for await (const chunk of readOnce(client, { ...wanted, start }, signal)) {
        start += chunk.length;
        failures = 0;
        yield chunk;
      }
      if (start <= wanted.end) throw senseless('a range, which ended early,');
    } catch (error) {
      failures += 1;
      // What the store refuses was asked for often enough before.
      if (signal.aborted || error instanceof S3ServiceError || failures >= patience.attempts) throw error;
      await delay(backoff(patience, failures), undefined, { signal });
    }
  }
}

async function* readOnce(client: Client, wanted: Wanted, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const stalled = new AbortController();
  const body = await client.fetch(wanted, AbortSignal.any([signal, stalled.signal]));
  const reader = body.getReader();
  try {
    for (;;) {
      const timer = setTimeout(
        () => stalled.abort(senseless('a range, which stands still,')),
        client.patience.timeoutMs,
      );
      const { done, value } = await reader.read().finally(() => clearTimeout(timer));
      if (done) return;
      yield value;
    }
  } finally {
    stalled.abort();
    await reader.cancel().catch(() => undefined);
  }
}

/** All of a range in memory. Throws ENOENT when less is there. */
export async function readWhole(chunks: AsyncIterable<Uint8Array>, size: number): Promise<Uint8Array> {
  const content = Buffer.allocUnsafe(size);
  let filled = 0;
  for await (const chunk of chunks) {
    if (filled + chunk.length > size) throw senseless('a range, which is longer,');
    content.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled < size) throw absent();
  return content;
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
