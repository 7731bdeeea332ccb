import type { Database } from '../../platform/database/database.ts';

/** Rows read at once: few, as requests wait meanwhile. */
export const PAGE = 1_000;

/** All rows, a page at a time, by ascending id. */
export async function* pagesOf<Row extends { id: number }>(
  readAfter: (id: number) => Promise<Row[]>,
): AsyncGenerator<Row[]> {
  let rows = await readAfter(0);
  while (rows.length > 0) {
    yield rows;
    rows = await readAfter(rows.at(-1)?.id ?? 0);
  }
}

export const pagesOfProfiles = (read: Database['read']) =>
  pagesOf((after) =>
    read
      .selectFrom('profiles')
      .select(['id', 'pictureKey', 'coverKey'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE)
      .execute(),
  );
