// What comes for a draft in an S3 store, gathered into pieces that are worth a request. The memory of all that wait is
// bounded: beyond it pieces are cut short, down to a size that is still worth it.

export interface Gathering {
  /** The content in pieces, each memory of its own and good until the next is asked for. */
  inPieces(content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void>;
}

/** In bytes. */
export interface GatheringSizes {
  /** Of a piece, at most. */
  most: number;
  /** Of a piece that is cut short, at least, unless it is the last. */
  least: number;
  /** In all pieces together, before any is cut short. */
  together: number;
}

export function createGathering({ most, least, together }: GatheringSizes): Gathering {
  let held = 0;
  return {
    async *inPieces(content) {
      let waiting: Uint8Array[] = [];
      let size = 0;
      const drop = (): void => {
        held -= size;
        [waiting, size] = [[], 0];
      };
      try {
        for await (const chunk of content) {
          for (let start = 0; start < chunk.length;) {
            const part = Uint8Array.from(chunk.subarray(start, start + most - size));
            waiting.push(part);
            size += part.length;
            held += part.length;
            start += part.length;
            if (size < (held > together ? least : most)) continue;
            yield join(waiting, size);
            drop();
          }
        }
        if (size > 0) yield join(waiting, size);
      } finally {
        drop();
      }
    },
  };
}

const join = (chunks: readonly Uint8Array[], size: number): Uint8Array =>
  chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size);
