// How a setting is written: times, sizes, lists, whole numbers.
import { z } from 'zod';

const DURATION_UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZE_UNITS = {
  '': 1,
  b: 1,
  kb: 1_000,
  mb: 1_000_000,
  gb: 1_000_000_000,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
} as const;

/** `90s`, `2h`, `7d`; milliseconds inside. */
export const duration = (fallback: string, longest: keyof typeof LONGEST = '3650d', least = 1) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) =>
      withUnit({ text, context, least, units: DURATION_UNITS, example: '90s, 15m, 2h or 7d' }),
    )
    .refine((milliseconds) => milliseconds <= LONGEST[longest], `may be at most ${longest}`);

// A timer of Node's ends at once when it is asked to wait for more than 24 days.
const LONGEST = { '3650d': 3_650 * DURATION_UNITS.d, '1h': DURATION_UNITS.h };

/** `20MiB`, `4GB` or a number of bytes. */
export const size = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) =>
      withUnit({ text, context, units: SIZE_UNITS, example: '500000, 20MiB or 4GB' }),
    );

export const list = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text) =>
      text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    );

export const whole = (fallback: number, { min, max }: { min: number; max: number }) =>
  z
    .string()
    .regex(/^\d{1,12}$/, `must be a whole number from ${min} to ${max}`)
    .default(String(fallback))
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);

function withUnit(options: {
  text: string;
  context: z.RefinementCtx;
  units: Record<string, number>;
  example: string;
  /** Of the number; 1 when absent. */
  least?: number;
}): number {
  const match = /^(\d{1,15})\s*([a-z]*)$/.exec(options.text.trim().toLowerCase());
  const factor = match ? options.units[match[2] ?? ''] : undefined;
  if (match && factor !== undefined && Number(match[1]) >= (options.least ?? 1))
    return Number(match[1]) * factor;
  options.context.addIssue({ code: 'custom', message: `must look like ${options.example}` });
  return z.NEVER;
}
