// A picture that is being described: what is to be seen on it, and what matters most where it is cropped.
import type { JSX } from 'preact';
import type { Focus } from '../wire/shapes.ts';
import { IconButton } from './icon-button.tsx';
import { placeOf } from './photo.tsx';

/** Of what was changed. */
export interface Description {
  alt?: string;
  focus?: Focus;
}

export interface PictureThumbProps {
  url: string | undefined;
  /** For its buttons and fields. */
  name: string;
  alt: string;
  /** None where it is not asked for. */
  focus?: Focus | undefined;
  onDescribe: (description: Description) => void;
  /** None where it stays. */
  onDrop?: () => void;
}

const STEPS: Record<string, Focus> = {
  ArrowLeft: { x: -0.1, y: 0 },
  ArrowRight: { x: 0.1, y: 0 },
  ArrowUp: { x: 0, y: 0.1 },
  ArrowDown: { x: 0, y: -0.1 },
};

export function PictureThumb({ url, name, alt, focus, onDescribe, onDrop }: PictureThumbProps): JSX.Element {
  return (
    <li class="described">
      <div class="thumb">
        {focus ? (
          <FocusButton {...{ url, name, focus }} onLook={(place) => onDescribe({ focus: place })} />
        ) : (
          <img src={url} alt="" />
        )}
        {onDrop && <IconButton icon="close" label={`Remove ${name}`} onClick={onDrop} />}
      </div>
      <input
        type="text"
        data-testid="picture-alt"
        aria-label={`Description of ${name}`}
        placeholder="Describe it"
        dir="auto"
        maxLength={1500}
        value={alt}
        onInput={(event) => onDescribe({ alt: event.currentTarget.value })}
      />
    </li>
  );
}

interface FocusButtonProps extends Pick<PictureThumbProps, 'url' | 'name'> {
  focus: Focus;
  onLook: (focus: Focus) => void;
}

function FocusButton({ url, name, focus, onLook }: FocusButtonProps): JSX.Element {
  const look = (x: number, y: number): void => onLook({ x: bound(x), y: bound(y) });
  const press = (event: MouseEvent & { currentTarget: HTMLElement }): void => {
    // A key presses a button in no place.
    if (event.detail === 0) return;
    const box = event.currentTarget.getBoundingClientRect();
    look(((event.clientX - box.left) / box.width) * 2 - 1, 1 - ((event.clientY - box.top) / box.height) * 2);
  };
  const step = (event: KeyboardEvent): void => {
    const by = STEPS[event.key];
    if (!by) return;
    event.preventDefault();
    look(focus.x + by.x, focus.y + by.y);
  };
  const [left = '', top = ''] = placeOf(focus).split(' ');
  return (
    <button
      type="button"
      class="thumb-focus"
      data-testid="picture-focus"
      aria-label={`Choose what matters most on ${name}; arrow keys move it`}
      onClick={press}
      onKeyDown={step}
    >
      <img src={url} alt="" />
      <span class="focus-mark" style={{ left, top }} />
    </button>
  );
}

/** From -1 to 1, to hundredths. */
const bound = (place: number): number => Math.round(Math.min(1, Math.max(-1, place)) * 100) / 100;
