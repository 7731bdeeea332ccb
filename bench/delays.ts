// Milliseconds that were measured, as one figure.

/** The value below which `part` of the list lies. */
export const percentile = (list: readonly number[], part: number): number =>
  list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))] ?? 0;
