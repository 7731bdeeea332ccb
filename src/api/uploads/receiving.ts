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

export function createReceive({ media, requestLimits }: UploadsOptions): Receive {
  return async ({ request, reply, viewer }, { content, checksum, ...arrival }) => {
    const announced = readAnnounced(request);
    if (announced !== undefined) await requestLimits.countUpload({ viewer, bytes: announced, reply });
    const body = content
      ? { content, announced: undefined, checksum }
      : { content: request.raw, announced, checksum };
    const received = await media.bodies.receive({ viewer, ...arrival, body });
    const { offset } = received.state;
    if (announced === undefined)
      await requestLimits.countUpload({ viewer, bytes: offset - arrival.offset, reply });
    if (received.end === 'stopped')
      throw unavailable('upload_busy', 'Another request goes on with this upload.', { offset });
    return received;
  };
}
