// How much one person may keep: pictures and videos as they came, on posts and on their way, and captions. What is made of a
// video is not counted. The sum is read in the transaction that adds to it, so that no two of them take the same room.
import { sql } from 'kysely';
import type { Database, Reader, Transaction } from '../../platform/database/database.ts';
import { tooLarge } from '../../platform/errors.ts';

export interface Quota {
  /** Bytes that the owner has room for just now. */
  room(ownerId: number): Promise<number>;
  /** Throws `too_large` (`quota_reached`) unless the owner has room for so many bytes more, just now. */
  look(wanted: Wanted): Promise<void>;
  /** The same in the transaction that takes the room, which nobody else takes until it ends. */
  check(tx: Transaction, wanted: Wanted): Promise<void>;
}

interface Wanted {
  ownerId: number;
  bytes: number;
}

export function createQuota({
  database,
  limits,
}: {
  database: Database;
  limits: { storageBytes: number };
}): Quota {
  async function findRoom(db: Reader, ownerId: number): Promise<number> {
    const { kept } = await db
      .selectFrom('media')
      .select(sql<number>`coalesce(sum(size), 0)`.as('kept'))
      .where('ownerId', '=', ownerId)
      .executeTakeFirstOrThrow();
    return limits.storageBytes - kept;
  }
  async function refuse(db: Reader, { ownerId, bytes }: Wanted): Promise<void> {
    if (bytes > (await findRoom(db, ownerId)))
      throw tooLarge(
        'quota_reached',
        'Your pictures and videos take up all the room that you have here. Delete some of them and try again.',
      );
  }
  return {
    look: (wanted) => refuse(database.read, wanted),
    room: async (ownerId) => Math.max(0, await findRoom(database.read, ownerId)),
    async check(tx, wanted) {
      await database.dialect.lock(tx, `storage:${wanted.ownerId}`);
      await refuse(tx, wanted);
    },
  };
}
