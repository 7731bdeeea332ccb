import type { JSX } from 'preact';
import { useStore } from '../store.ts';
import { countOf } from '../texts/names.ts';
import { transfers } from '../uploads/queue.ts';

/** Tells the author, on the post itself, that files are still on their way. */
export function UploadNote({ postId }: { postId: number }): JSX.Element | null {
  const count = useStore(transfers).filter((transfer) => transfer.postId === postId).length;
  if (count === 0) return null;
  return <p class="upload-note">{countOf(count, 'file', 'files')} still on the way</p>;
}
