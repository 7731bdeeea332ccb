// One file on its way to a post, as a pure state machine. For a video:
//
//   chunk … chunk (offset grows) ─► [empty chunk, if no answer told the media id] ─► finalize ─► done
//
// `offset` is what the server is known to have. A 409 tells where the server stands; the transfer goes on
// from there, also backwards. A picture is one request.

/** Bytes in a chunk, before they become a data URL: the classic protocol's 1 MiB. */
export const CHUNK_BYTES = 1024 * 1024;
/** Conflicts that bring nothing forward, in a row, that mean page and server will never agree. */
const MOST_CONFLICTS = 5;

export interface Transfer {
  id: string;
  kind: 'picture' | 'video';
  postId: number;
  /** Profile id of the person who chose the file; only they go on with it. */
  ownerId: number;
  /** The upload's key at the server. */
  label: string;
  /** The file's own name, to show. */
  name: string;
  size: number;
  offset: number;
  mediaId?: number;
  state: 'waiting' | 'paused' | 'failed';
  /** Why it failed, for a person. */
  problem?: string;
  conflicts: number;
  /** What is to be seen on a picture, and what matters most. */
  alt?: string;
  focus?: { x: number; y: number };
  /** Pictures that the post had before this one was first sent: tells whether an unanswered request arrived. */
  picturesBefore?: number;
  createdAt: number;
  /** Whether the browser kept the file, so that a reload can go on. */
  kept: boolean;
}

export type Step =
  | { kind: 'picture' }
  | { kind: 'chunk'; from: number; to: number }
  | { kind: 'finalize'; mediaId: number };

export function nextStep(transfer: Transfer): Step {
  const { offset, size, mediaId } = transfer;
  if (transfer.kind === 'picture') return { kind: 'picture' };
  if (offset < size) return { kind: 'chunk', from: offset, to: Math.min(size, offset + CHUNK_BYTES) };
  if (mediaId === undefined) return { kind: 'chunk', from: size, to: size };
  return { kind: 'finalize', mediaId };
}

export function afterChunk(transfer: Transfer, accepted: { to: number; mediaId: number }): Transfer {
  return { ...transfer, offset: accepted.to, mediaId: accepted.mediaId, conflicts: 0 };
}

/** `offset` is what the server says it has; anything that is no place in this file ends the transfer. */
export function afterConflict(transfer: Transfer, offset: unknown): Transfer {
  const isPlace =
    typeof offset === 'number' && Number.isInteger(offset) && offset >= 0 && offset <= transfer.size;
  if (!isPlace || transfer.conflicts >= MOST_CONFLICTS) {
    return afterRefusal(transfer, 'The server has something else under this name.');
  }
  // Further on than the page knew: an answer was lost, its bytes were not.
  const conflicts = transfer.conflicts + Number(offset <= transfer.offset);
  return { ...transfer, offset, conflicts };
}

export function afterRefusal(transfer: Transfer, problem: string): Transfer {
  return { ...transfer, state: 'failed', problem };
}

/** Pause, or go on (also after a failure, from where the server stands). */
export function afterWish(transfer: Transfer, wish: 'pause' | 'resume'): Transfer {
  const { problem: _, ...rest } = transfer;
  if (wish === 'pause') return { ...rest, state: 'paused' };
  return { ...rest, state: 'waiting', conflicts: 0 };
}

/** From 0 to 1. */
export function progressOf(transfer: Transfer): number {
  return transfer.size === 0 ? 1 : transfer.offset / transfer.size;
}

/** The upload's key: unlike any other, and the same for all chunks of the file. */
export function makeLabel(from: {
  postId: number;
  username: string;
  at: Date;
  random: string;
  name: string;
}): string {
  return `${from.postId}-${from.username}-${from.at.toISOString()}-${from.random}-${from.name}`;
}
