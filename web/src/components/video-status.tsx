// What became of a video, below it: how far its encoding is, for its owner, and why it failed.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { settlePost } from '../stores/posts.ts';
import { tellTrouble } from '../stores/notices.ts';
import type { Media } from '../wire/shapes.ts';
import { retryVideo } from '../wire/videos.ts';

export interface VideoStatusProps {
  postId: number;
  media: Media;
  own: boolean;
}

export function VideoStatus({ postId, media, own }: VideoStatusProps): JSX.Element | null {
  const [busy, setBusy] = useState(false);
  const retry = async (): Promise<void> => {
    setBusy(true);
    try {
      const actedAt = performance.now();
      await retryVideo(postId, media.id);
      await settlePost(postId, actedAt);
    } catch (error) {
      tellTrouble(error);
    } finally {
      setBusy(false);
    }
  };
  if (media.failure !== undefined) {
    return (
      <p class="video-failure" role="status">
        Kept as it came: {media.failure}{' '}
        {own && (
          <button type="button" class="button button-small" disabled={busy} onClick={() => void retry()}>
            Try again
          </button>
        )}
      </p>
    );
  }
  if (!own || !media.progress) return null;
  return (
    <p class="video-failure" data-testid="video-progress">
      {sayProgress(media)}
    </p>
  );
}

function sayProgress({ progress, state }: Media): string {
  if (state === 'processing' && progress?.step === 'reading') return 'Looking at your video…';
  if (progress?.step === 'finishing') return 'Nearly ready…';
  const parts = progress?.renditions.map(({ name, percent }) => `${name} ${percent} %`) ?? [];
  return [state === 'ready' ? 'Adding sizes' : 'Encoding', parts.join(', ')].filter(Boolean).join(': ');
}
