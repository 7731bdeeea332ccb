import type { JSX } from 'preact';
import { Dialog } from './dialog.tsx';
import { IconButton } from './icon-button.tsx';

export interface PictureDialogProps {
  files: readonly string[];
  index: number;
  onMove: (index: number) => void;
  onClose: () => void;
}

/** One picture large; arrow keys and buttons lead to the others. */
export function PictureDialog({ files, index, onMove, onClose }: PictureDialogProps): JSX.Element {
  const step = (by: number): void => onMove((index + by + files.length) % files.length);
  const turn = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowLeft') step(-1);
    if (event.key === 'ArrowRight') step(1);
  };
  return (
    <Dialog label={`Picture ${index + 1} of ${files.length}`} class="dialog-picture" onClose={onClose}>
      <div class="picture-stage" onKeyDown={turn}>
        <img src={files[index]} alt={`Picture ${index + 1} of ${files.length}`} />
        <IconButton class="stage-close" icon="close" label="Close" onClick={onClose} />
        {files.length > 1 && (
          <>
            <IconButton class="stage-left" icon="left" label="Previous picture" onClick={() => step(-1)} />
            <IconButton class="stage-right" icon="right" label="Next picture" onClick={() => step(1)} />
          </>
        )}
      </div>
    </Dialog>
  );
}
