// Does one step of a transfer against the server.
import { addPicture, finalizeVideo, getPost, sendChunk } from '../wire/posts.ts';
import { kindOfPath } from '../texts/names.ts';
import { encodeChunk, readDataUrl } from './chunks.ts';
import type { Records } from './records.ts';
import { afterChunk, type Step, type Transfer } from './transfers.ts';

export type StepResult = { done: true } | { done: false; change: (transfer: Transfer) => Transfer };

export class UnreadableFile extends Error {}

export interface StepRequest {
  records: Records;
  transfer: Transfer;
  step: Step;
  signal: AbortSignal;
}

/** Throws `WireFailure` or `UnreadableFile`. */
export async function takeStep({ records, transfer, step, signal }: StepRequest): Promise<StepResult> {
  if (step.kind === 'finalize') {
    await finalizeVideo(transfer.postId, step.mediaId, signal);
    return { done: true };
  }
  const file = await records.file(transfer.id).catch(() => undefined);
  if (!file) throw new UnreadableFile();
  if (step.kind === 'picture') return sendPicture(transfer, file, signal);
  const encoded = await encodeChunk(file.slice(step.from, step.to)).catch(() => undefined);
  if (!encoded) throw new UnreadableFile();
  const media = await sendChunk({ label: transfer.label, offset: step.from, ...encoded }, signal);
  return { done: false, change: (one) => afterChunk(one, { to: step.to, mediaId: media.id }) };
}

/**
 * A picture's request cannot be repeated safely, so the post is counted first; if it has one more after a
 * request without an answer, that one had arrived.
 */
async function sendPicture(transfer: Transfer, file: Blob, signal: AbortSignal): Promise<StepResult> {
  const post = await getPost(transfer.postId);
  const pictures = post.media_files.filter((media) => kindOfPath(media.file) === 'picture').length;
  const before = transfer.picturesBefore;
  if (before === undefined) return { done: false, change: (one) => ({ ...one, picturesBefore: pictures }) };
  if (pictures > before) return { done: true };
  const { postId, alt, focus } = transfer;
  await addPicture({ postId, dataUrl: await readDataUrl(file), alt, focus }, signal);
  return { done: true };
}
