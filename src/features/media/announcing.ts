// Telling everybody that a post shows something else now.
import { sql } from 'kysely';
import { afterCommit, type Transaction } from '../../platform/database/database.ts';
import type { Bus } from '../../platform/realtime/bus.ts';
import { topics } from '../../platform/realtime/topics.ts';

export async function announce(
  tx: Transaction,
  { bus, postId, at }: { bus: Bus; postId: number | null; at: number },
): Promise<void> {
  if (postId === null) return;
  await tx
    .updateTable('posts')
    .set({ version: sql<number>`version + 1`, changedAt: at })
    .where('id', '=', postId)
    .execute();
  afterCommit(tx, () => bus.publish(topics.posts(), { postId }));
}
