// The one constant frame rate that a source is turned into. Exact fractions, because 29.97 is 30000/1001.

export interface Fraction {
  numerator: number;
  denominator: number;
}

const FASTEST = 60;
const SLOWEST = 10;
const UNKNOWN: Fraction = { numerator: 30, denominator: 1 };
const USUAL: Fraction[] = [
  ...[10, 12, 15, 20].map(whole),
  { numerator: 24_000, denominator: 1001 },
  ...[24, 25].map(whole),
  { numerator: 30_000, denominator: 1001 },
  ...[30, 48, 50].map(whole),
  { numerator: 60_000, denominator: 1001 },
  whole(60),
];

/** Reads `30000/1001`; undefined for `0/0` and the like. */
export function readFraction(text: unknown): Fraction | undefined {
  const match = typeof text === 'string' ? /^(\d+)[/:](\d+)$/.exec(text) : null;
  const numerator = Number(match?.[1]);
  const denominator = Number(match?.[2]);
  return numerator > 0 && denominator > 0 ? { numerator, denominator } : undefined;
}

export const toNumber = (fraction: Fraction): number => fraction.numerator / fraction.denominator;

/**
 * The source's own rate if it is constant, else the usual rate just above its average. Above 60 it is halved until it
 * fits; a slower one than 10 is doubled, so that every two-second group has frames.
 */
export function chooseFrameRate(source: {
  average?: Fraction | undefined;
  base?: Fraction | undefined;
}): Fraction {
  const { average, base } = source;
  if (!average) return base && toNumber(base) <= FASTEST ? fit(base) : UNKNOWN;
  const constant = base && Math.abs(toNumber(base) - toNumber(average)) <= 0.05 * toNumber(base);
  return constant ? fit(base) : snap(fit(average));
}

function fit(rate: Fraction): Fraction {
  let { numerator, denominator } = rate;
  while (numerator / denominator > FASTEST + 0.5) denominator *= 2;
  while (numerator / denominator < SLOWEST - 0.5) numerator *= 2;
  return reduce({ numerator, denominator });
}

function snap(rate: Fraction): Fraction {
  return USUAL.find((usual) => toNumber(usual) >= 0.98 * toNumber(rate)) ?? whole(FASTEST);
}

function reduce({ numerator, denominator }: Fraction): Fraction {
  let [a, b] = [numerator, denominator];
  while (b > 0) [a, b] = [b, a % b];
  return { numerator: numerator / a, denominator: denominator / a };
}

function whole(rate: number): Fraction {
  return { numerator: rate, denominator: 1 };
}
