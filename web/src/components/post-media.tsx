// A post's pictures in a grid (a press opens them large) and its videos below each other.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { kindOfPath } from '../texts/names.ts';
import type { Post } from '../wire/shapes.ts';
import { Photo } from './photo.tsx';
import { PictureDialog } from './picture-dialog.tsx';
import { VideoPlayer } from './video-player.tsx';

const MOST_TILES = 4;
/** Of the column that posts stand in, which is as wide as a phone's screen or 620 points. */
const WHOLE = '(min-width: 644px) 620px, 100vw';
const HALF = '(min-width: 644px) 310px, 50vw';

export function PostMedia({ post, own }: { post: Post; own: boolean }): JSX.Element | null {
  const [open, setOpen] = useState<number>();
  const pictures = post.media_files.filter((media) => kindOfPath(media.file) === 'picture');
  const videos = post.media_files.filter((media) => kindOfPath(media.file) === 'video');
  if (pictures.length + videos.length === 0) return null;
  const hidden = pictures.length - MOST_TILES;
  return (
    <div class="post-media">
      {pictures.length > 0 && (
        <div class={`pictures pictures-${Math.min(pictures.length, MOST_TILES)}`}>
          {pictures.slice(0, MOST_TILES).map((media, index) => (
            <button
              key={media.id}
              type="button"
              class="picture"
              aria-label={labelOf(media.alt ?? '', `Open picture ${index + 1} of ${pictures.length}`)}
              onClick={() => setOpen(index)}
            >
              <Photo {...media} alt={media.alt ?? ''} sizes={pictures.length === 1 ? WHOLE : HALF} />
              {hidden > 0 && index === MOST_TILES - 1 && <span class="picture-more">+{hidden}</span>}
            </button>
          ))}
        </div>
      )}
      {videos.map((media) => (
        <VideoPlayer key={media.id} postId={post.id} media={media} own={own} />
      ))}
      {open !== undefined && (
        <PictureDialog pictures={pictures} index={open} onMove={setOpen} onClose={() => setOpen(undefined)} />
      )}
    </div>
  );
}

const labelOf = (alt: string, action: string): string => (alt === '' ? action : `${action}: ${alt}`);
