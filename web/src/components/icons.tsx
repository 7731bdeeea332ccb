// Veranda's own drawings: 24 × 24, one stroke width, coloured by the text around them.
import type { JSX } from 'preact';

const DRAWINGS = {
  home: 'M4 11l8-7 8 7M6 9v11h12V9M10 20v-5h4v5',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l4 4',
  person: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8M4 20c1-4 4-6 8-6s7 2 8 6',
  heart: 'M12 20S4 15 4 9.5A4.4 4.4 0 0 1 12 7a4.4 4.4 0 0 1 8 2.5C20 15 12 20 12 20Z',
  comment: 'M12 4c5 0 9 3 9 7s-4 7-9 7q-2 0-3-.4L4 20l1.4-4C4 15 3 13 3 11c0-4 4-7 9-7Z',
  reply: 'M9 6l-5 5 5 5M4 11h10a6 6 0 0 1 6 6v1',
  pencil: 'M4 20l1-4L16 5l3 3L8 19l-4 1M14 7l3 3',
  bin: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5',
  picture: 'M4 5h16v14H4zM4 16l5-5 4 4 2-2 5 5M15 9h.01',
  camera: 'M4 8h4l1-2h6l1 2h4v11H4zM12 10a3 3 0 1 0 0 6 3 3 0 0 0 0-6',
  close: 'M6 6l12 12M18 6L6 18',
  plus: 'M12 5v14M5 12h14',
  check: 'M5 12l5 5 9-9',
  leave: 'M14 4H5v16h9M10 12h10M16 8l4 4-4 4',
  pause: 'M9 6v12M15 6v12',
  play: 'M8 5v14l11-7Z',
  retry: 'M19 12a7 7 0 1 1-2-5M19 4v4h-4',
  up: 'M12 19V5M6 11l6-6 6 6',
  left: 'M15 5l-7 7 7 7',
  right: 'M9 5l7 7-7 7',
  film: 'M4 6h16v12H4zM10 9v6l5-3Z',
  eye: 'M2 12s4-6 10-6 10 6 10 6-4 6-10 6S2 12 2 12ZM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6',
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
