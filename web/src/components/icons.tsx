// Veranda's own drawings: 24 × 24, one stroke width, coloured by the text around them.
import type { JSX } from 'preact';

const DRAWINGS = {
  home: 'M4 11.2 12 4l8 7.2M6 9.6V20h12V9.6M9.5 20v-5.2a2.5 2.5 0 0 1 5 0V20',
  search: 'M11 4.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM15.8 15.8 20 20',
  person: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM4.5 20c.6-4 3.6-6 7.5-6s6.9 2 7.5 6',
  heart: 'M12 20S4 15.4 4 9.6A4.4 4.4 0 0 1 12 7a4.4 4.4 0 0 1 8 2.6C20 15.4 12 20 12 20Z',
  comment: 'M12 4.5c4.7 0 8.5 3.1 8.5 7s-3.8 7-8.5 7c-1 0-2-.1-2.9-.4L4.5 20l1.3-3.7c-1.4-1.3-2.3-3-2.3-4.8 0-3.9 3.8-7 8.5-7Z',
  reply: 'M9.5 6 4.5 11l5 5M4.5 11H14a5.5 5.5 0 0 1 5.5 5.5V18',
  pencil: 'm4.5 19.5 1-4L16 5l3 3L8.5 18.5l-4 1ZM13.8 7.2l3 3',
  bin: 'M5 7h14M10 7V4.5h4V7M6.5 7l.8 12.5h9.4L17.5 7M10.3 10.5v5.5M13.7 10.5v5.5',
  picture: 'M4 5.5h16v13H4zM4 15.5l4.5-4.5 4 4 2.5-2.5 5 5M15.5 9.2h.01',
  camera: 'M4 8h3.5L9 5.5h6L16.5 8H20v11H4zM12 10.2a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z',
  close: 'M6 6l12 12M18 6 6 18',
  plus: 'M12 5v14M5 12h14',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  leave: 'M13.5 4.5H5.5v15h8M10 12h10M16.5 8.5 20 12l-3.5 3.5',
  pause: 'M9 6v12M15 6v12',
  play: 'M8 5.5v13l10.5-6.5Z',
  retry: 'M19 12a7 7 0 1 1-2-4.9M19.5 4v4h-4',
  up: 'M12 19V5M6 11l6-6 6 6',
  left: 'M14.5 5.5 8 12l6.5 6.5',
  right: 'M9.5 5.5 16 12l-6.5 6.5',
  film: 'M4 6h16v12H4zM10 9.5v5l4.5-2.5Z',
  eye: 'M2.5 12S6 5.8 12 5.8 21.5 12 21.5 12 18 18.2 12 18.2 2.5 12 2.5 12ZM12 9.4a2.6 2.6 0 1 0 0 5.2 2.6 2.6 0 0 0 0-5.2Z',
} as const;

export type IconName = keyof typeof DRAWINGS;

/** Decoration only: whatever it stands in carries the name. */
export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={DRAWINGS[name]} />
    </svg>
  );
}
