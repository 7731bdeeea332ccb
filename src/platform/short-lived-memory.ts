// Bytes of a body live for a moment outside of V8's heap, but V8 sees only that there are more and more of them, and goes
// through its whole heap to find what can be let go of. A look at the youngest objects, after every few of those bytes,
// finds the same for a tenth of the time, and keeps the process small.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const BETWEEN_LOOKS = 16 * 2 ** 20;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void;
let passed = 0;

/** Says that so many bytes came in, and will not be needed for long. */
export function passShortLived(bytes: number): void {
  passed += bytes;
  if (passed < BETWEEN_LOOKS) return;
  passed = 0;
  collect({ type: 'minor' });
}
