// What a run of an encode has to know of its media meanwhile: whether anybody still waits for its result.
import type { Database, Transaction } from '../../platform/database/database.ts';

/** A media row and the run that may write of it. */
export interface Claim {
  mediaId: number;
  run: string;
}

/** The media is gone, or another run has begun on it. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

const LOOK_MS = 2_000;

/** `lost` is aborted within seconds once the media is deleted or another run has begun on it. */
export function watchClaim(database: Database, claim: Claim): Disposable & { readonly lost: AbortSignal } {
  const lost = new AbortController();
  const look = async (): Promise<void> => {
    if (!(await isHeld(database.read, claim))) lost.abort();
  };
  // What cannot be read just now is not lost; the next look will tell.
  const timer = setInterval(() => void look().catch(() => undefined), LOOK_MS);
  return { lost: lost.signal, [Symbol.dispose]: () => clearInterval(timer) };
}

/** In the transaction that lists something: throws Overtaken. */
export async function confirmClaim(tx: Transaction, claim: Claim): Promise<void> {
  if (!(await isHeld(tx, claim))) throw new Overtaken();
}

export async function isHeld(
  read: Database['read'] | Transaction,
  { mediaId, run }: Claim,
): Promise<boolean> {
  const media = await read
    .selectFrom('media')
    .select('encodeRun')
    .where('id', '=', mediaId)
    .executeTakeFirst();
  return media?.encodeRun === run;
}
