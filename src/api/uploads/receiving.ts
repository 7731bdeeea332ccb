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
 * Throws as `counting` and `bodies.receive` do, and `unavailable` (`upload_busy`) when another request goes on with the
 * upload.
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
 * beyond the limit together, and in the end what came. Throws `rate_limited`, or as `work` does.
 */
export async function counting<T>(
  { request, reply, viewer }: Exchange,
  { requestLimits }: Pick<UploadsOptions, 'requestLimits'>,
  work: () => Promise<T>,
): Promise<T> {
  const { raw } = request;
  const announced = readAnnounced(request);
  const counted = announced ?? 0;
  // What has come with the head, a read or two of the socket, is nobody's.
  const before = raw.socket.bytesRead;
  await requestLimits.countUpload({ viewer, bytes: counted, reply });
  try {
    return await work();
  } finally {
    if (announced === undefined || !raw.complete)
      await requestLimits.correctUpload({ viewer, counted, came: raw.socket.bytesRead - before });
  }
}
