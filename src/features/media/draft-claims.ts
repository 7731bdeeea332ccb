// What a run of the transcode job has to know of its media meanwhile: whether anybody still waits for its result.
import type { Database } from '../../platform/database/database.ts';

/** A media row and the prefix that one run writes under. */
interface Draft {
  id: number;
  prefix: string;
}

const LOOK_MS = 2_000;

/** `lost` is aborted within seconds once the media is deleted or another run has begun on it. */
export function watchDraft(database: Database, draft: Draft): Disposable & { readonly lost: AbortSignal } {
  const lost = new AbortController();
  const look = async (): Promise<void> => {
    const media = await findPrefixes(database, draft.id);
    if (media?.draftPrefix !== draft.prefix) lost.abort();
  };
  // What cannot be read just now is not lost; the next look will tell.
  const timer = setInterval(() => void look().catch(() => undefined), LOOK_MS);
  return { lost: lost.signal, [Symbol.dispose]: () => clearInterval(timer) };
}

/** Whether the draft is what the media shows: a commit may have happened although its answer was lost. */
export async function isPublished(database: Database, { id, prefix }: Draft): Promise<boolean> {
  return (await findPrefixes(database, id))?.hlsPrefix === prefix;
}

const findPrefixes = ({ read }: Database, id: number) =>
  read.selectFrom('media').select(['draftPrefix', 'hlsPrefix']).where('id', '=', id).executeTakeFirst();
