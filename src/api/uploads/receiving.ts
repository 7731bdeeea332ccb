// What every form does with bytes that go to the end of an upload: they are counted, and then streamed to the disk.
import type { Readable } from 'node:stream';
import type { Checksum, ReceivedBody } from '../../features/media/index.ts';
import { unavailable } from '../../platform/errors.ts';
import { readAnnounced } from './headers.ts';
import type { Exchange, UploadsOptions } from './options.ts';

export interface Arrival {
  id: string;
  offset: number;
  /** Of the whole upload, where this request says it. */
  length?: number | undefined;
  checksum?: Checksum | undefined;
  /** The bytes, where they are not the request's body as it is. */
  content?: Readable;
  onRecorded?: ((offset: number) => void) | undefined;
}

/**
 * Counts the body before it is read, or afterwards if it does not say how long it is. Throws as `bodies.receive` does, and
 * `unavailable` (`upload_busy`) when another request goes on with the upload.
 */
export type Receive = (exchange: Exchange, arrival: Arrival) => Promise<ReceivedBody>;

export function createReceive(options: UploadsOptions): Receive {
  return async (exchange, { content, checksum, ...arrival }) => {
    const { request, viewer } = exchange;
    const body = content
      ? { content, announced: undefined, checksum }
      : { content: request.raw, announced: readAnnounced(request), checksum };
    const received = await counting(exchange, options, () =>
      options.media.bodies.receive({ viewer, ...arrival, body }),
    );
    if (received.end === 'stopped')
      throw unavailable('upload_busy', 'Another request goes on with this upload.', {
        offset: received.state.offset,
      });
    return received;
  };
}

/**
 * Counts what the request brings while `work` reads it: all that it announces beforehand, so that many at once do not go
 * beyond the limit together, and in the end only what came. Throws `rate_limited`, or as `work` does.
 */
export async function counting<T>(
  { request, reply, viewer }: Exchange,
  { requestLimits }: Pick<UploadsOptions, 'requestLimits'>,
  work: () => Promise<T>,
): Promise<T> {
  const announced = readAnnounced(request);
  const { socket } = request.raw;
  const before = socket.bytesRead;
  if (announced === undefined) {
    const result = await work();
    await requestLimits.countUpload({ viewer, bytes: socket.bytesRead - before, reply });
    return result;
  }
  await requestLimits.countUpload({ viewer, bytes: announced, reply });
  try {
    return await work();
  } finally {
    if (!request.raw.complete)
      await requestLimits.correctUpload({ viewer, counted: announced, came: socket.bytesRead - before });
  }
}
