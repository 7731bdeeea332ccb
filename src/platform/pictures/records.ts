// The row of a stored picture: written in the transaction in which something comes to show it, together with the job that
// makes its renditions, and dropped in the one in which nothing shows it any more.
import { z } from 'zod';
import type { Transaction } from '../database/database.ts';
import type { PicturesTable } from '../database/tables.ts';
import { invalidFields } from '../errors.ts';
import { defineJob, type Jobs } from '../jobs/jobs.ts';
import { isLonger } from '../text-length.ts';
import type { Focus } from './facts.ts';

const schema = z.object({ pictureId: z.int() });
const tries = { maxAttempts: 3, pauseMs: 10_000 };

/** Makes what most clients load. */
export const pictureRenditionsJob = defineJob('picture-renditions', { schema, ...tries });
/** Makes what costs much more and is somewhat smaller; only when nothing else waits. */
export const pictureAvifJob = defineJob('picture-avif', { schema, ...tries, priority: -30 });

/** Of pictures that nobody waits for, as many come at once. */
export const BULK_PRIORITY = -20;

export interface Description {
  alt?: string | undefined;
  focus?: Focus | undefined;
}

export interface NewPicture extends Description {
  key: string;
  role: PicturesTable['role'];
  shownOn: number;
  width: number;
  height: number;
  blurhash: string;
  /** One of very many. */
  isBulk?: boolean;
}

export interface PictureRecords {
  add(tx: Transaction, picture: NewPicture): Promise<void>;
  /** False when there is no such picture. */
  describe(tx: Transaction, key: string, description: Description): Promise<boolean>;
  /** Drops the rows of these keys; answers the prefixes of what was made of them, for `removeAfterCommit`. */
  forget(tx: Transaction, keys: readonly (string | null)[]): Promise<string[]>;
}

export function createPictureRecords({ jobs, now }: { jobs: Jobs; now: () => number }): PictureRecords {
  return {
    async add(tx, { isBulk = false, alt, focus, ...picture }) {
      const row = { ...picture, ...columnsOf({ alt, focus }), createdAt: now() };
      const { id } = await tx
        .insertInto('pictures')
        .values({ ...row, ...unmade })
        .returning('id')
        .executeTakeFirstOrThrow();
      await jobs.enqueue(tx, pictureRenditionsJob, {
        payload: { pictureId: id },
        uniqueKey: String(id),
        ...(isBulk && { priority: BULK_PRIORITY }),
      });
    },
    async describe(tx, key, description) {
      const { numUpdatedRows } = await tx
        .updateTable('pictures')
        .set({ key, ...columnsOf(description) })
        .where('key', '=', key)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },
    async forget(tx, keys) {
      const named = keys.filter((key) => key !== null);
      if (named.length === 0) return [];
      const rows = await tx.deleteFrom('pictures').where('key', 'in', named).returningAll().execute();
      return rows
        .flatMap((row) => [row.draftPrefix, row.webpPrefix, row.avifPrefix])
        .filter((prefix) => prefix !== null);
    },
  };
}

const MOST_ALT_CHARACTERS = 1_500;

/** Throws `invalid`. */
export function checkDescription({ alt, focus }: Description): void {
  if (alt !== undefined && isLonger(alt, MOST_ALT_CHARACTERS))
    throw invalidFields({ alt: [`Ensure this field has no more than ${MOST_ALT_CHARACTERS} characters.`] });
  if (alt !== undefined && (!alt.isWellFormed() || alt.includes('\0')))
    throw invalidFields({ alt: ['This field has characters that are not valid.'] });
  if (focus !== undefined && !(Math.abs(focus.x) <= 1 && Math.abs(focus.y) <= 1))
    throw invalidFields({ focus: ['x and y go from -1 to 1.'] });
}

const columnsOf = ({ alt, focus }: Description) => ({
  ...(alt !== undefined && { alt }),
  ...(focus !== undefined && {
    focusX: Math.round(focus.x * 1_000),
    focusY: Math.round(focus.y * 1_000),
  }),
});

const unmade = {
  draftPrefix: null,
  webpPrefix: null,
  avifPrefix: null,
  renderedAt: null,
  failedAt: null,
} as const;
