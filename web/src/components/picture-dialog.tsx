import type { JSX } from 'preact';
import type { Media } from '../wire/shapes.ts';
import { Dialog } from './dialog.tsx';
import { IconButton } from './icon-button.tsx';
import { Photo } from './photo.tsx';

export interface PictureDialogProps {
  pictures: readonly Media[];
  index: number;
  onMove: (index: number) => void;
  onClose: () => void;
}

/** One picture large; arrow keys and buttons lead to the others. */
export function PictureDialog(props: PictureDialogProps): JSX.Element | null {
  const { pictures, index, onMove, onClose } = props;
  const step = (by: number): void => onMove((index + by + pictures.length) % pictures.length);
  const turn = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowLeft') step(-1);
    if (event.key === 'ArrowRight') step(1);
  };
  const picture = pictures[index];
  if (!picture) return null;
  const place = `Picture ${index + 1} of ${pictures.length}`;
  const { width = 0, height = 0 } = picture;
  // Its own size, unless the screen is smaller.
  const shown = `min(96vw, ${width}px, calc(92dvh * ${width / Math.max(1, height)}))`;
  return (
    <Dialog label={place} class="dialog-picture" onClose={onClose}>
      <div class="picture-stage" onKeyDown={turn}>
        <Photo
          key={picture.id}
          {...picture}
          alt={picture.alt || place}
          sizes={shown}
          shownWidth={width > 0 ? shown : undefined}
          eager
        />
        <IconButton class="stage-close" icon="close" label="Close" onClick={onClose} />
        {pictures.length > 1 && (
          <>
            <IconButton class="stage-left" icon="left" label="Previous picture" onClick={() => step(-1)} />
            <IconButton class="stage-right" icon="right" label="Next picture" onClick={() => step(1)} />
          </>
        )}
      </div>
    </Dialog>
  );
}
