// The few shapes that all drawings are made of, as SVG text.
import type { Random } from './random.ts';

export interface Size {
  width: number;
  height: number;
}

/** From top to bottom. */
export type Colours = readonly [string, string, ...string[]];

export function drawing({ width, height }: Size, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${parts.join('')}</svg>`;
}

/** A vertical gradient to be named as `url(#id)`; the last colour may be see-through. */
export function gradient(id: string, colours: Colours): string {
  const stops = colours.map(
    (colour, index) => `<stop offset="${round(index / (colours.length - 1))}" stop-color="${colour}"/>`,
  );
  return `<linearGradient id="${id}" x1="0" y1="0" x2="0" y2="1">${stops.join('')}</linearGradient>`;
}

export function glow(id: string, { colour, opacity }: { colour: string; opacity: number }): string {
  return `<radialGradient id="${id}"><stop offset="0" stop-color="${colour}" stop-opacity="${opacity}"/><stop offset="1" stop-color="${colour}" stop-opacity="0"/></radialGradient>`;
}

export function rect(box: { x: number; y: number; width: number; height: number; fill: string }): string {
  const { x, y, width, height, fill } = box;
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${fill}"/>`;
}

export function circle(at: { x: number; y: number; r: number; fill: string; opacity?: number }): string {
  const { x, y, r, fill, opacity = 1 } = at;
  return `<circle cx="${round(x)}" cy="${round(y)}" r="${round(r)}" fill="${fill}" opacity="${round(opacity)}"/>`;
}

/** The outline of hills or mountains, filled down to `bottom`. */
export function ridge(hills: {
  points: readonly (readonly [number, number])[];
  bottom: number;
  fill: string;
}): string {
  const line = hills.points.map(([x, y]) => `${round(x)} ${round(y)}`).join('L');
  const [first] = hills.points;
  const last = hills.points.at(-1);
  return `<path d="M${line}L${round(last?.[0] ?? 0)} ${hills.bottom}L${round(first?.[0] ?? 0)} ${hills.bottom}Z" fill="${hills.fill}"/>`;
}

/** Rugged: halved again and again, each middle moved by half as much as the one before. */
export function ruggedLine(
  random: Random,
  { width, y, height, steps = 8 }: { width: number; y: number; height: number; steps?: number },
): [number, number][] {
  let heights = [y + random.between(-height, height) / 2, y + random.between(-height, height) / 2];
  let reach = height;
  for (let step = 0; step < steps; step += 1) {
    heights = heights.flatMap((left, index) => {
      const right = heights[index + 1];
      return right === undefined ? [left] : [left, (left + right) / 2 + random.between(-reach, reach) / 2];
    });
    reach *= 0.52;
  }
  return heights.map((height_, index) => [(width * index) / (heights.length - 1), height_]);
}

/** Soft: a few long waves on each other. Comes back to where it began, so it can be repeated side by side. */
export function softLine(
  random: Random,
  { width, y, height, waves }: { width: number; y: number; height: number; waves: number },
): [number, number][] {
  const parts = [1, 2, 3].map((factor) => ({
    waves: waves * factor,
    turn: random.between(0, 2 * Math.PI),
    height: height / factor / 2,
  }));
  const count = Math.ceil(width / 12);
  return Array.from({ length: count + 1 }, (_, index) => {
    const along = (2 * Math.PI * index) / count;
    const rise = parts.reduce((sum, part) => sum + part.height * Math.sin(part.waves * along + part.turn), 0);
    return [(width * index) / count, y + rise];
  });
}

/** A fir: three storeys of branches, standing at (x, y). */
export function fir(at: { x: number; y: number; height: number; fill: string }): string {
  const { x, y, height, fill } = at;
  const storeys = [
    { top: 1, bottom: 0.6, half: 0.12 },
    { top: 0.8, bottom: 0.32, half: 0.18 },
    { top: 0.56, bottom: 0, half: 0.25 },
  ].map(({ top, bottom, half }) => {
    const [tip, foot, side] = [y - height * top, y - height * bottom, height * half];
    return `M${round(x)} ${round(tip)}L${round(x + side)} ${round(foot)}L${round(x - side)} ${round(foot)}Z`;
  });
  return `<path d="${storeys.join('')}" fill="${fill}"/>`;
}

/** A colour between two, `share` of the way from the first (`#rrggbb`). */
export function mix(from: string, to: string, share: number): string {
  const channel = (colour: string, at: number): number => Number.parseInt(colour.slice(at, at + 2), 16);
  const parts = [1, 3, 5].map((at) => Math.round(channel(from, at) * (1 - share) + channel(to, at) * share));
  return `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

export const round = (value: number): number => Math.round(value * 100) / 100;
