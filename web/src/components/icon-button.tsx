import type { JSX } from 'preact';
import { Icon, type IconName } from './icons.tsx';

export interface IconButtonProps {
  icon: IconName;
  label: string;
  onClick: () => void;
  class?: string;
  testid?: string;
  busy?: boolean;
  pressed?: boolean;
}

/** A round button with a drawing; its label is its name and its tooltip. */
export function IconButton({
  icon,
  label,
  onClick,
  testid,
  busy,
  pressed,
  class: kind = '',
}: IconButtonProps): JSX.Element {
  return (
    <button
      type="button"
      class={`icon-button ${kind}`}
      data-testid={testid}
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      aria-busy={busy}
      disabled={busy}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
