// What a database says of uploads: which bytes of a draft were acknowledged. Only those count, whatever else a store holds.
import type { Reader } from '../database/database.ts';

export interface Upload {
  draftKey: string;
  /** What was acknowledged, in order; there is at least one. */
  ranges: Range[];
  finished: boolean;
}

/** Bytes of a draft; `end` is not of it. */
export interface Range {
  start: number;
  end: number;
}

/** Bytes up to the last acknowledged one. */
export const extentOf = ({ ranges }: Upload): number => ranges.at(-1)?.end ?? 0;

/** Undefined when no byte of it counts. */
export async function findUpload(read: Reader, draftKey: string): Promise<Upload | undefined> {
  const rows = await select(read).where('draftKey', '=', draftKey).execute();
  return toUploads(rows)[0];
}

/** Those that are not finished. */
export async function listOpenUploads(read: Reader): Promise<Upload[]> {
  return toUploads(await select(read).where('finishedAt', 'is', null).execute());
}

/** A row for each part that is ahead, or one without. */
const select = (read: Reader) =>
  read
    .selectFrom('uploads')
    .leftJoin('uploadParts', (join) =>
      join.onRef('uploadParts.uploadId', '=', 'uploads.id').on('uploadParts.leaseHolder', 'is', null),
    )
    .select(['draftKey', 'offset', 'finishedAt', 'firstByte', 'nextByte'])
    .orderBy('uploads.id')
    .orderBy('firstByte');

function toUploads(rows: Awaited<ReturnType<ReturnType<typeof select>['execute']>>): Upload[] {
  const uploads = Map.groupBy(rows, ({ draftKey }) => draftKey).entries();
  return [...uploads].flatMap(([draftKey, parts]) => {
    const { offset = 0, finishedAt = null } = parts[0] ?? {};
    const ahead = parts.flatMap(({ firstByte, nextByte }) =>
      firstByte === null || nextByte === null || nextByte <= offset
        ? []
        : [{ start: Math.max(offset, firstByte), end: nextByte }],
    );
    const ranges = offset > 0 ? [{ start: 0, end: offset }, ...ahead] : ahead;
    return ranges.length > 0 ? [{ draftKey, ranges, finished: finishedAt !== null }] : [];
  });
}
