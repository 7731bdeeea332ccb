// Lengths as people count them: in code points, so that an emoji is not two.

/** A text of n code points has at most 2n units, so the costly count is made only near the limit. */
export const isLonger = (text: string, characters: number): boolean =>
  text.length > characters && (text.length > 2 * characters || [...text].length > characters);
