// Landscapes for the posts: mountains, the sea, a wood, a town at night. Every one is drawn, so nobody owns it.
import { createRandom, type Random } from './random.ts';
import {
  circle,
  type Colours,
  drawing,
  fir,
  glow,
  gradient,
  mix,
  rect,
  ridge,
  round,
  ruggedLine,
  type Size,
  softLine,
} from './shapes.ts';

export interface Scene extends Size {
  seed: number;
}

/** Ridges behind each other, pale with distance, and a low sun. */
export function drawMountains(
  scene: Scene & { sky: Colours; far: string; near: string; sun: string },
): string {
  const { width, height, sky, far, near, sun } = scene;
  const random = createRandom(scene.seed);
  const at = { x: width * random.between(0.25, 0.75), y: height * 0.34 };
  const ridges = [0, 0.25, 0.5, 0.75, 1].flatMap((share, index) => {
    const y = height * (0.5 + 0.38 * share);
    const points = ruggedLine(random, { width, y, height: height * (0.26 - 0.15 * share) });
    const id = `ridge${index}`;
    const top = mix(far, near, share);
    return [
      `<defs>${gradient(id, [top, mix(top, far, 0.45)])}</defs>`,
      ridge({ points, bottom: height, fill: `url(#${id})` }),
    ];
  });
  return drawing(scene, [
    `<defs>${gradient('sky', sky)}${glow('glow', { colour: sun, opacity: 0.85 })}</defs>`,
    rect({ x: 0, y: 0, width, height, fill: 'url(#sky)' }),
    circle({ ...at, r: height * 0.5, fill: 'url(#glow)' }),
    circle({ ...at, r: height * 0.06, fill: sun }),
    ...ridges,
    ...plantFirs(random, {
      ...scene,
      y: height * 0.97,
      tallest: height * 0.2,
      count: 34,
      fill: mix(near, '#000000', 0.35),
    }),
  ]);
}

/** A still sea with the sun in it, and one small boat. */
export function drawSea(scene: Scene & { sky: Colours; water: Colours; sun: string }): string {
  const { width, height, sky, water, sun } = scene;
  const random = createRandom(scene.seed);
  const horizon = height * 0.56;
  const x = width * random.between(0.35, 0.65);
  const glints = Array.from({ length: 90 }, (_, index) => {
    const depth = (index / 90) ** 1.6;
    const half = width * (0.012 + 0.1 * depth) * random.between(0.25, 1);
    const y = horizon + 4 + depth * (height - horizon);
    const shift = random.between(-1, 1) * width * (0.01 + 0.05 * depth);
    return `<ellipse cx="${round(x + shift)}" cy="${round(y)}" rx="${round(half)}" ry="${round(1 + 3 * depth)}" fill="${sun}" opacity="${round(random.between(0.25, 0.75) * (1 - depth * 0.7))}"/>`;
  });
  const clouds = Array.from({ length: 7 }, () => {
    const y = height * random.between(0.06, 0.42);
    return `<ellipse cx="${round(width * random.next())}" cy="${round(y)}" rx="${round(width * random.between(0.1, 0.26))}" ry="${round(height * random.between(0.008, 0.02))}" fill="#fff" opacity="${round(random.between(0.12, 0.35))}" filter="url(#soft)"/>`;
  });
  return drawing(scene, [
    `<defs>${gradient('sky', sky)}${gradient('water', water)}${glow('glow', { colour: sun, opacity: 0.9 })}`,
    `<filter id="soft" x="-20%" y="-200%" width="140%" height="500%"><feGaussianBlur stdDeviation="${round(height / 160)}"/></filter></defs>`,
    rect({ x: 0, y: 0, width, height, fill: 'url(#sky)' }),
    ...clouds,
    circle({ x, y: horizon - height * 0.05, r: height * 0.42, fill: 'url(#glow)' }),
    circle({ x, y: horizon - height * 0.05, r: height * 0.07, fill: sun }),
    rect({ x: 0, y: horizon, width, height: height - horizon, fill: 'url(#water)' }),
    ...glints,
    sailBoat({ x: width * (x < width / 2 ? 0.78 : 0.22), y: horizon + height * 0.07, size: height * 0.13 }),
  ]);
}

/** Firs that fade into mist, row behind row. */
export function drawWood(scene: Scene & { mist: string; near: string }): string {
  const { width, height, mist, near } = scene;
  const random = createRandom(scene.seed);
  const rows = [0.08, 0.22, 0.42, 0.68, 1].flatMap((share) => {
    const y = height * (0.45 + 0.58 * share);
    const tallest = height * (0.2 + 0.42 * share);
    const fill = mix(mist, near, share);
    const points = softLine(random, { width, y: y - tallest * 0.28, height: tallest * 0.08, waves: 1 });
    return [
      ...plantFirs(random, { ...scene, y, tallest, count: Math.round(42 - 26 * share), fill }),
      ridge({ points, bottom: height, fill }),
      ...(share < 1
        ? [rect({ x: 0, y: y - tallest * 0.55, width, height: tallest, fill: 'url(#mist)' })]
        : []),
    ];
  });
  return drawing(scene, [
    `<defs>${gradient('sky', [mix(mist, '#ffffff', 0.55), mist])}${gradient('mist', [`${mist}00`, `${mist}66`, `${mist}00`])}</defs>`,
    rect({ x: 0, y: 0, width, height, fill: 'url(#sky)' }),
    ...rows,
  ]);
}

/** Gabled houses, some windows lit, under stars. Without a sky it can be laid over another picture. */
export function drawTown(scene: Scene & { moon: boolean }): string {
  const { width, height } = scene;
  const random = createRandom(scene.seed);
  const stars = Array.from({ length: 160 }, () =>
    circle({
      x: width * random.next(),
      y: height * 0.62 * random.next(),
      r: random.between(0.6, 2),
      fill: '#fff',
      opacity: random.between(0.25, 0.9),
    }),
  );
  const moon = { x: width * 0.74, y: height * 0.2 };
  return drawing(scene, [
    `<defs>${gradient('sky', ['#0b1436', '#1f2d63', '#5a4a82', '#c77f6e'])}${glow('glow', { colour: '#fff4d6', opacity: 0.5 })}</defs>`,
    rect({ x: 0, y: 0, width, height, fill: 'url(#sky)' }),
    ...stars,
    ...(scene.moon
      ? [
          circle({ ...moon, r: height * 0.2, fill: 'url(#glow)' }),
          circle({ ...moon, r: height * 0.045, fill: '#fff4d6' }),
        ]
      : []),
    ...buildStreet(random, { ...scene, y: height * 0.66, wall: '#3a3566', lit: 0.25 }),
    ...buildStreet(random, { ...scene, y: height * 0.76, wall: '#28264f', lit: 0.38 }),
    ...buildStreet(random, { ...scene, y: height * 0.88, wall: '#171735', lit: 0.5 }),
  ]);
}

function plantFirs(
  random: Random,
  row: { width: number; y: number; tallest: number; count: number; fill: string },
): string[] {
  return Array.from({ length: row.count }, (_, index) =>
    fir({
      x: (row.width * (index + random.between(-0.6, 0.6))) / (row.count - 1),
      y: row.y + row.tallest * random.between(0, 0.12),
      height: row.tallest * random.between(0.45, 1),
      fill: row.fill,
    }),
  );
}

function sailBoat({ x, y, size }: { x: number; y: number; size: number }): string {
  const path = (d: string, fill: string): string => `<path d="${d}" fill="${fill}"/>`;
  return `<g transform="translate(${round(x)} ${round(y)}) scale(${round(size / 100)})">${path('M-42 0L42 0L26 16L-28 16Z', '#2b2440')}${path('M-2 -6L-2 -92L-38 -6Z', '#fff7ea')}${path('M4 -6L4 -82L34 -6Z', '#f4d9c0')}</g>`;
}

function buildStreet(random: Random, street: Size & { y: number; wall: string; lit: number }): string[] {
  const { width, height, wall, lit } = street;
  const houses: string[] = [];
  for (let x = -random.between(0, 60); x < width;) {
    const side = height * random.between(0.075, 0.13);
    const top = street.y - height * random.between(0, 0.1);
    const roof = side * random.between(0.35, 0.7);
    houses.push(
      `<path d="M${round(x)} ${height}V${round(top)}L${round(x + side / 2)} ${round(top - roof)}L${round(x + side)} ${round(top)}V${height}Z" fill="${wall}"/>`,
    );
    for (let y = top + side * 0.2; y < height; y += side * 0.36) {
      for (const place of [0.18, 0.56]) {
        if (random.next() > lit) continue;
        const fill = random.pick(['#ffd58a', '#ffbf69', '#ffe6b3']);
        houses.push(rect({ x: x + side * place, y, width: side * 0.24, height: side * 0.2, fill }));
      }
    }
    x += side * random.between(0.9, 1.05);
  }
  return houses;
}
