// Still lifes for the posts: tiles, pots on a shelf, what lies on a table seen from above.
import { type Scene } from './landscapes.ts';
import { createRandom } from './random.ts';
import { circle, drawing, gradient, mix, rect, round } from './shapes.ts';

type Palette = readonly [string, string, ...string[]];

/** A wall of painted tiles: quarter circles, petals and dots in the same colours. */
export function drawTiles(scene: Scene & { palette: Palette; across: number }): string {
  const { width, height, palette, across } = scene;
  const random = createRandom(scene.seed);
  const side = width / across;
  const tiles = Array.from({ length: across * Math.ceil(height / side) }, (_, index) => {
    const [x, y] = [(index % across) * side, Math.floor(index / across) * side];
    const turn = random.whole(0, 3) * 90;
    const ground = random.pick(palette);
    const paint = random.pick(palette.filter((colour) => colour !== ground) as unknown as Palette);
    const motif = random.pick([quarters, petals, halves]);
    return `<g transform="translate(${round(x)} ${round(y)}) scale(${round(side) / 100}) rotate(${turn} 50 50)">${rect({ x: 0, y: 0, width: 100, height: 100, fill: ground })}${motif(paint, ground)}${rect({ x: 0, y: 0, width: 100, height: 1.4, fill: '#00000022' })}${rect({ x: 0, y: 0, width: 1.4, height: 100, fill: '#00000022' })}</g>`;
  });
  return drawing(scene, [
    `<defs><linearGradient id="light" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#fff" stop-opacity=".22"/><stop offset="1" stop-color="#000" stop-opacity=".16"/></linearGradient></defs>`,
    ...tiles,
    rect({ x: 0, y: 0, width, height, fill: 'url(#light)' }),
  ]);
}

const quarters = (paint: string, ground: string): string =>
  `<path d="M0 0H100A100 100 0 0 1 0 100Z" fill="${paint}"/><path d="M0 0H62A62 62 0 0 1 0 62Z" fill="${ground}"/><path d="M0 0H28A28 28 0 0 1 0 28Z" fill="${paint}"/>`;

const petals = (paint: string, ground: string): string =>
  `<path d="M0 0C60 0 100 40 100 100C40 100 0 60 0 0Z" fill="${paint}"/><path d="M24 24C54 30 70 46 76 76C46 70 30 54 24 24Z" fill="${ground}"/>${circle({ x: 82, y: 18, r: 9, fill: paint })}${circle({ x: 18, y: 82, r: 9, fill: paint })}`;

const halves = (paint: string, ground: string): string =>
  `<path d="M0 0L100 0L0 100Z" fill="${paint}"/>${circle({ x: 50, y: 50, r: 26, fill: ground })}${circle({ x: 50, y: 50, r: 13, fill: paint })}`;

/** Glazed pots on a shelf against a plain wall. */
export function drawPots(scene: Scene & { wall: string; glazes: Palette; count: number }): string {
  const { width, height, wall, glazes, count } = scene;
  const random = createRandom(scene.seed);
  const shelf = height * 0.78;
  const pots = Array.from({ length: count }, (_, index) => {
    const glaze = glazes[index % glazes.length] ?? glazes[0];
    const room = width / (count + 0.6);
    const tall = Math.min(height * 0.62, room * 2) * random.between(0.6, 1);
    return pot({
      id: `pot${index}`,
      x: room * (index + 0.8),
      y: shelf,
      half: room * random.between(0.32, 0.43),
      tall,
      glaze,
    });
  });
  return drawing(scene, [
    `<defs>${gradient('wall', [mix(wall, '#ffffff', 0.25), wall])}${gradient('shelf', ['#b98b62', '#8a6241'])}<filter id="soft" x="-30%" y="-30%" width="160%" height="160%"><feGaussianBlur stdDeviation="${round(width / 90)}"/></filter></defs>`,
    rect({ x: 0, y: 0, width, height, fill: 'url(#wall)' }),
    ...pots.map(({ shadow }) => shadow),
    rect({ x: 0, y: shelf, width, height: height * 0.07, fill: 'url(#shelf)' }),
    rect({ x: 0, y: shelf + height * 0.07, width, height: height * 0.02, fill: '#00000026' }),
    ...pots.map(({ body }) => body),
  ]);
}

function pot(at: { id: string; x: number; y: number; half: number; tall: number; glaze: string }): {
  shadow: string;
  body: string;
} {
  const { id, x, y, half, tall, glaze } = at;
  const [neck, top] = [half * 0.55, y - tall];
  const outline = `M${round(x - neck)} ${round(top)}C${round(x - neck)} ${round(top + tall * 0.18)} ${round(x - half)} ${round(top + tall * 0.25)} ${round(x - half)} ${round(top + tall * 0.58)}C${round(x - half)} ${round(y - tall * 0.12)} ${round(x - neck)} ${round(y)} ${round(x - neck)} ${round(y)}H${round(x + neck)}C${round(x + neck)} ${round(y)} ${round(x + half)} ${round(y - tall * 0.12)} ${round(x + half)} ${round(top + tall * 0.58)}C${round(x + half)} ${round(top + tall * 0.25)} ${round(x + neck)} ${round(top + tall * 0.18)} ${round(x + neck)} ${round(top)}Z`;
  const sides = `<linearGradient id="${id}"><stop offset="0" stop-color="${mix(glaze, '#000000', 0.3)}"/><stop offset=".35" stop-color="${mix(glaze, '#ffffff', 0.28)}"/><stop offset="1" stop-color="${mix(glaze, '#000000', 0.38)}"/></linearGradient>`;
  const clip = `<clipPath id="${id}clip"><path d="${outline}"/></clipPath>`;
  const clay = rect({ x: x - half, y: y - tall * 0.3, width: 2 * half, height: tall, fill: '#d9b48f' });
  const drip = `<ellipse cx="${round(x)}" cy="${round(y - tall * 0.3)}" rx="${round(half * 1.05)}" ry="${round(tall * 0.07)}" fill="url(#${id})"/>`;
  const lip = `<ellipse cx="${round(x)}" cy="${round(top)}" rx="${round(neck)}" ry="${round(neck * 0.16)}" fill="${mix(glaze, '#000000', 0.55)}"/>`;
  return {
    shadow: `<path d="${outline}" transform="translate(${round(half * 0.35)} ${round(half * 0.1)})" fill="#000" opacity=".28" filter="url(#soft)"/>`,
    body: `<defs>${sides}${clip}</defs><g clip-path="url(#${id}clip)"><path d="${outline}" fill="url(#${id})"/>${clay}${drip}</g>${lip}`,
  };
}

/** Cups, plates and oranges on a cloth, from above. */
export function drawTable(scene: Scene & { cloth: string; stripe: string }): string {
  const { width, height, cloth, stripe } = scene;
  const random = createRandom(scene.seed);
  const unit = Math.min(width, height) / 10;
  const stripes = Array.from({ length: 40 }, (_, index) =>
    rect({ x: index * unit * 0.9, y: 0, width: unit * 0.34, height, fill: `${stripe}55` }),
  );
  const things = [
    plate({ x: width * 0.36, y: height * 0.42, r: unit * 3 }),
    cup({ x: width * 0.74, y: height * 0.28, r: unit * 1.35 }),
    cup({ x: width * 0.8, y: height * 0.74, r: unit * 1.35 }),
    ...Array.from({ length: 5 }, () =>
      orange({
        x: width * (0.3 + 0.13 * random.next()) + unit * random.between(-1.1, 1.1),
        y: height * 0.42 + unit * random.between(-1.4, 1.4),
        r: unit * random.between(0.7, 0.85),
      }),
    ),
    orange({ x: width * 0.52, y: height * 0.82, r: unit * 0.8 }),
  ];
  return drawing(scene, [
    `<defs><filter id="soft" x="-40%" y="-40%" width="180%" height="180%"><feGaussianBlur stdDeviation="${round(unit / 4)}"/></filter>`,
    `<radialGradient id="orange" cx=".36" cy=".32"><stop offset="0" stop-color="#ffc46b"/><stop offset="1" stop-color="#e8781e"/></radialGradient></defs>`,
    rect({ x: 0, y: 0, width, height, fill: cloth }),
    ...stripes,
    ...things,
  ]);
}

interface Round {
  x: number;
  y: number;
  r: number;
}

const shade = ({ x, y, r }: Round): string =>
  `<circle cx="${round(x + r * 0.14)}" cy="${round(y + r * 0.18)}" r="${round(r)}" fill="#000" opacity=".3" filter="url(#soft)"/>`;

function plate(at: Round): string {
  const rings = [
    { part: 1, fill: '#f6f1e7' },
    { part: 0.93, fill: '#3e6b8f' },
    { part: 0.89, fill: '#f6f1e7' },
    { part: 0.66, fill: '#e9e1d2' },
    { part: 0.64, fill: '#faf6ee' },
  ];
  return shade(at) + rings.map(({ part, fill }) => circle({ ...at, r: at.r * part, fill })).join('');
}

function cup(at: Round): string {
  const handle = `<rect x="${round(at.x + at.r * 0.8)}" y="${round(at.y - at.r * 0.16)}" width="${round(at.r * 0.75)}" height="${round(at.r * 0.32)}" rx="${round(at.r * 0.16)}" fill="#ede6d8" transform="rotate(-32 ${round(at.x)} ${round(at.y)})"/>`;
  const foam = `<path d="M${round(at.x - at.r * 0.35)} ${round(at.y)}q${round(at.r * 0.35)} ${round(-at.r * 0.6)} ${round(at.r * 0.7)} 0q${round(-at.r * 0.35)} ${round(at.r * 0.6)} ${round(-at.r * 0.7)} 0Z" fill="#ecd2a8" opacity=".85"/>`;
  return [
    shade(at),
    handle,
    circle({ ...at, fill: '#faf6ee' }),
    circle({ ...at, r: at.r * 0.86, fill: '#6b4226' }),
    circle({ ...at, r: at.r * 0.8, fill: '#a8713f' }),
    foam,
  ].join('');
}

function orange(at: Round): string {
  const stalk = circle({ x: at.x - at.r * 0.1, y: at.y - at.r * 0.1, r: at.r * 0.09, fill: '#4d7a35' });
  return shade(at) + circle({ ...at, fill: 'url(#orange)' }) + stalk;
}
