// Faces for the people: a few shapes each, told apart by hair, colours and glasses.
import { circle, drawing, mix, rect } from './shapes.ts';

export interface Look {
  ground: string;
  skin: string;
  hair: string;
  clothes: string;
  style: 'short' | 'long' | 'bun' | 'curls' | 'cap' | 'bob';
  glasses?: boolean;
  beard?: boolean;
}

const SIDE = 480;

export function drawAvatar(look: Look): string {
  const { ground, skin, clothes } = look;
  const shadow = mix(skin, '#5a2a1a', 0.22);
  return drawing({ width: SIDE, height: SIDE }, [
    `<defs><linearGradient id="ground" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="${mix(ground, '#ffffff', 0.3)}"/><stop offset="1" stop-color="${ground}"/></linearGradient></defs>`,
    rect({ x: 0, y: 0, width: SIDE, height: SIDE, fill: 'url(#ground)' }),
    behind(look),
    `<path d="M70 480C78 372 150 350 240 350S402 372 410 480Z" fill="${clothes}"/>`,
    `<path d="M200 290H280V352Q240 392 200 352Z" fill="${shadow}"/>`,
    `<ellipse cx="146" cy="232" rx="18" ry="26" fill="${shadow}"/><ellipse cx="334" cy="232" rx="18" ry="26" fill="${shadow}"/>`,
    `<path d="M146 200C146 120 334 120 334 200V246C334 312 290 344 240 344S146 312 146 246Z" fill="${skin}"/>`,
    ...(look.beard
      ? [
          `<path d="M146 236C150 262 176 272 200 268Q240 252 280 268C304 272 330 262 334 236C340 320 292 356 240 356S140 320 146 236Z" fill="${look.hair}"/>`,
        ]
      : []),
    face(look),
    above(look),
  ]);
}

function face({ skin, glasses, hair }: Look): string {
  const cheek = mix(skin, '#e0533d', 0.3);
  return [
    circle({ x: 184, y: 262, r: 18, fill: cheek, opacity: 0.5 }),
    circle({ x: 296, y: 262, r: 18, fill: cheek, opacity: 0.5 }),
    circle({ x: 203, y: 226, r: 9, fill: '#2a1d1a' }),
    circle({ x: 277, y: 226, r: 9, fill: '#2a1d1a' }),
    `<path d="M186 200Q203 190 220 199M260 199Q277 190 294 200" stroke="${mix(hair, '#2a1d1a', 0.4)}" stroke-width="7" fill="none" stroke-linecap="round"/>`,
    `<path d="M210 284Q240 312 270 284" stroke="#7c2f2b" stroke-width="9" fill="none" stroke-linecap="round"/>`,
    ...(glasses
      ? [
          `<g fill="#ffffff33" stroke="#2b2b33" stroke-width="7"><circle cx="203" cy="228" r="30"/><circle cx="277" cy="228" r="30"/><path d="M233 226Q240 220 247 226" fill="none"/></g>`,
        ]
      : []),
  ].join('');
}

/** Hair that falls behind the shoulders. */
function behind({ style, hair }: Look): string {
  const fill = mix(hair, '#000000', 0.18);
  switch (style) {
    case 'long':
      return `<path d="M118 210C112 90 368 90 362 210V392Q300 420 240 404T118 392Z" fill="${fill}"/>`;
    case 'bob':
      return `<path d="M122 214C116 96 364 96 358 214V300Q350 322 300 316H180Q130 322 122 300Z" fill="${fill}"/>`;
    case 'bun':
      return circle({ x: 240, y: 92, r: 52, fill });
    case 'curls':
      return [
        [132, 190],
        [130, 246],
        [348, 190],
        [350, 246],
        [160, 138],
        [320, 138],
      ]
        .map(([x = 0, y = 0]) => circle({ x, y, r: 46, fill }))
        .join('');
    default:
      return '';
  }
}

/** What lies over the forehead. */
function above({ style, hair, clothes }: Look): string {
  const path = (d: string, fill: string): string => `<path d="${d}" fill="${fill}"/>`;
  switch (style) {
    case 'cap':
      return (
        path('M136 180C132 76 348 76 344 180Z', clothes) +
        `<rect x="126" y="152" width="228" height="38" rx="19" fill="${mix(clothes, '#000000', 0.25)}"/>` +
        circle({ x: 240, y: 98, r: 18, fill: mix(clothes, '#ffffff', 0.4) })
      );
    case 'curls':
      return [
        [176, 152, 40],
        [222, 130, 44],
        [270, 132, 44],
        [308, 156, 38],
      ]
        .map(([x = 0, y = 0, r = 0]) => circle({ x, y, r, fill: hair }))
        .join('');
    case 'short':
      return path(
        'M140 214C126 100 240 96 268 108C340 100 352 156 340 214C334 188 322 172 300 166C250 172 200 166 176 160C156 172 146 190 140 214Z',
        hair,
      );
    case 'bob':
      return path(
        'M140 216C134 108 346 108 340 216C330 190 312 178 296 176H184C168 178 150 190 140 216Z',
        hair,
      );
    default:
      return path('M140 222C130 112 350 112 340 222C330 186 290 168 250 150C226 176 166 178 140 222Z', hair);
  }
}
