// The pictures of the posts, by name.
import { drawMountains, drawSea, drawTown, drawWood } from './landscapes.ts';
import { drawPots, drawTable, drawTiles } from './things.ts';

export type PictureName = keyof typeof pictures;

const wide = { width: 1600, height: 1067 };
const tall = { width: 1080, height: 1350 };
const square = { width: 1200, height: 1200 };

const dusk = {
  sky: ['#2b3a67', '#8d6a9f', '#f2a679', '#ffe0b0'],
  far: '#b98aa0',
  near: '#2c2a4a',
  sun: '#fff1c9',
} as const;
const noon = {
  sky: ['#4f8fc0', '#9cc9e0', '#e4f1ee'],
  far: '#a9c6cf',
  near: '#2f5d50',
  sun: '#fffbe8',
} as const;

/** Each makes an SVG. */
export const pictures = {
  dawn: () => drawMountains({ ...wide, seed: 3, ...dusk }),
  ridges: () => drawMountains({ width: 2000, height: 860, seed: 11, ...noon }),
  lake: () =>
    drawSea({
      ...{ ...tall, seed: 16, sky: ['#7c9ccf', '#f3b9a2', '#ffe6c4'], sun: '#fff6dc' },
      water: ['#e2a894', '#6a7ba6', '#2c3f63'],
    }),
  firs: () => drawWood({ ...wide, seed: 12, mist: '#d9bfae', near: '#33263f' }),
  mistyHills: () =>
    drawMountains({
      ...{ ...wide, seed: 8, far: '#c4d2cf', near: '#48635b', sun: '#ffffff' },
      sky: ['#c9d6d8', '#dfe7e4', '#f3f3ea'],
    }),
  wood: () => drawWood({ ...tall, seed: 7, mist: '#b9cbc9', near: '#1d3a35' }),
  sea: () =>
    drawSea({
      ...{ ...wide, seed: 5, sky: ['#3f5e9a', '#e88c7d', '#ffd3a1'], sun: '#fff0c2' },
      water: ['#d98a7e', '#4a4a7d', '#232a52'],
    }),
  town: () => drawTown({ ...wide, seed: 9, moon: true }),
  tiles: () =>
    drawTiles({ ...square, seed: 4, palette: ['#f4efe2', '#1f4e79', '#e0a337', '#7fb2c9'], across: 6 }),
  table: () => drawTable({ width: 1200, height: 900, seed: 6, cloth: '#e9e3d3', stripe: '#9fb7c9' }),
  bluePots: () =>
    drawPots({ ...tall, seed: 2, wall: '#d8cfc0', glazes: ['#2f6f8f', '#1f4e79', '#7fb2c9'], count: 3 }),
  greenPots: () =>
    drawPots({ ...square, seed: 5, wall: '#cfd6cc', glazes: ['#5f7f68', '#c9744a', '#e8dcc3'], count: 4 }),
  smallPots: () =>
    drawPots({ ...square, seed: 9, wall: '#e3d3c4', glazes: ['#c9744a', '#2f6f8f', '#e0a337'], count: 2 }),
};
