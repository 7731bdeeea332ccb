// The upload of the original React client: everything is kept in the browser as pieces, each is taken out after its
// answer, a failure ends the run without a second try, and the next load of the page goes on with what is left.

import { call, type Person, sendChunk } from '../support/classic-client.ts';

const PIECE_BYTES = 2 ** 20;

export interface KeptUpload {
  readonly postId: number;
  readonly filename: string;
  /** What has no answer yet. */
  readonly pieces: Buffer[];
  /** Out of the last answer. */
  videoId?: number;
}

/** As the client cuts: a file of exactly n MiB ends with an empty piece. */
export function keepUpload(
  bytes: Buffer,
  { postId, author }: { postId: number; author: Person },
): KeptUpload {
  const pieces: Buffer[] = [];
  for (let at = 0; at <= bytes.length; at += PIECE_BYTES) pieces.push(bytes.subarray(at, at + PIECE_BYTES));
  const filename = `${postId}-${author.username}-11/22/2026, 4:15:56 PM-y18kg30suh-A walk in the square.mp4`;
  return { postId, filename, pieces };
}

/**
 * One run of the client: sends what is left, then asks for the end without waiting for its answer. The answer here is
 * that promise in a box, for a test that must know. Rejects where the client would fall silent.
 */
export async function sendPieces(
  base: string,
  author: Person,
  upload: KeptUpload,
): Promise<{ finalized: Promise<unknown> }> {
  for (const piece of [...upload.pieces]) {
    const { status, json } = await sendChunk(base, author, { filename: upload.filename, bytes: piece });
    if (status !== 200) throw new Error(`a chunk was answered ${status}`);
    upload.pieces.shift();
    upload.videoId = json.id;
  }
  const body = { postID: upload.postId, videoID: upload.videoId };
  const finalized = call(base, '/api/posts/post/add/media/video/finalize/', { token: author.access, body });
  return { finalized };
}
