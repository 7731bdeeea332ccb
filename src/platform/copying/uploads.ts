// What a database says of uploads: how many bytes of a draft were acknowledged. Only those count, whatever else a store holds.
import type { Reader } from '../database/database.ts';

export interface Upload {
  draftKey: string;
  /** Acknowledged. */
  bytes: number;
  finished: boolean;
}

/** Undefined when no byte of it counts. */
export async function findUpload(read: Reader, draftKey: string): Promise<Upload | undefined> {
  const row = await select(read).where('draftKey', '=', draftKey).executeTakeFirst();
  return row && toUpload(row);
}

/** Those that are not finished. */
export async function listOpenUploads(read: Reader): Promise<Upload[]> {
  return (await select(read).where('finishedAt', 'is', null).execute()).map(toUpload);
}

const select = (read: Reader) =>
  read.selectFrom('uploads').select(['draftKey', 'offset', 'finishedAt']).where('offset', '>', 0);

const toUpload = (row: { draftKey: string; offset: number; finishedAt: number | null }): Upload => ({
  draftKey: row.draftKey,
  bytes: row.offset,
  finished: row.finishedAt !== null,
});
