// Uploads and encodes of this process.
import type { Media, VideoEncoder } from '../features/media/index.ts';
import { DomainError } from '../platform/errors.ts';
import type { Metrics } from '../platform/metrics/metrics.ts';
import { keepFor } from './keep.ts';

const ENCODE_BUCKETS = [1, 5, 15, 30, 60, 120, 300, 600, 1_200, 3_600];
const KEPT_MS = 5_000;

export function measureUploads(metrics: Metrics): (media: Media) => Media {
  const bytes = metrics.counter({
    name: 'veranda_upload_bytes_total',
    help: 'Bytes of videos that were taken, repeats included.',
  });
  const pieces = metrics.counter({
    name: 'veranda_upload_pieces_total',
    help: 'Pieces of videos by what became of them: taken, or the code of the refusal.',
    labels: ['outcome'],
  });
  return (media) => {
    const countOpen = keepFor(KEPT_MS, media.uploads.countOpen);
    metrics.gauge(
      { name: 'veranda_uploads_open', help: 'Unfinished uploads of the whole site.' },
      async () => [{ labels: {}, value: await countOpen() }],
    );
    /** `bytes` are those that were taken, as told by the answer. */
    async function count<T>(work: Promise<T>, sizeOf: (answer: T) => number): Promise<T> {
      try {
        const answer = await work;
        pieces.add({ outcome: 'taken' });
        bytes.add({}, sizeOf(answer));
        return answer;
      } catch (error) {
        pieces.add({ outcome: error instanceof DomainError ? error.code : 'failed' });
        throw error;
      }
    }
    const { uploads, bodies, parts } = media;
    return {
      ...media,
      uploads: {
        ...uploads,
        append: (chunk) => count(uploads.append(chunk), () => chunk.content.length),
      },
      bodies: {
        receive: (given) => count(bodies.receive(given), ({ state }) => state.offset - given.offset),
      },
      parts: { put: (part) => count(parts.put(part), () => part.body.announced) },
    };
  };
}

export function measureEncoder(metrics: Metrics): (encoder: VideoEncoder) => VideoEncoder {
  const seconds = metrics.histogram(
    {
      name: 'veranda_encode_duration_seconds',
      help: 'Time that videos took to encode, by what came of it.',
      labels: ['outcome'],
    },
    ENCODE_BUCKETS,
  );
  let running = 0;
  return (encoder) => {
    metrics.gauge({ name: 'veranda_encodes_running', help: 'Videos that are being encoded here.' }, () => [
      { labels: {}, value: running },
    ]);
    async function observe<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
      const begun = performance.now();
      let outcome = 'done';
      running += 1;
      try {
        return await work();
      } catch (error) {
        outcome = signal.aborted ? 'stopped' : 'failed';
        throw error;
      } finally {
        running -= 1;
        seconds.observe({ outcome }, (performance.now() - begun) / 1_000);
      }
    }
    return {
      encodeFirst: (call) => observe(call.signal, () => encoder.encodeFirst(call)),
      encodeRest: (call) => observe(call.signal, () => encoder.encodeRest(call)),
    };
  };
}
