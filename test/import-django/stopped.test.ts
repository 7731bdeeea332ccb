// An import that is stopped or killed: the next one goes on, and the end is the same.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  copySite,
  counts,
  importArguments,
  moveIn,
  originalSite,
  readContents,
  runImport,
  type Site,
  spawnVeranda,
  wrongCounters,
} from '../support/original-site.ts';
import { startServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';

describe('an import that is stopped', () => {
  test('goes on where it was and ends the same', async () => {
    await using whole = await startServer();
    await moveIn(whole.app);
    const expected = await readContents(whole.dataDir);
    await using server = await startServer();
    // Before the users are done, and after every other table.
    for (let stops = 1; stops < Object.keys(counts).length; stops += 1) {
      const stop = new AbortController();
      let batches = 0;
      const onProgress = () => {
        batches += 1;
        if (batches === stops) stop.abort(new Error('stopped'));
      };
      await expect(moveIn(server.app, originalSite, { signal: stop.signal, onProgress })).rejects.toThrow(
        'stopped',
      );
    }
    await moveIn(server.app);
    expect(unencoded(await readContents(server.dataDir))).toEqual(unencoded(expected));
  });

  test('has a row for each file of a post before it begins on the next', async () => {
    await using server = await startServer();
    const reads: number[] = [];
    const onProgress = ({ table, read }: { table: string; read: number }): void => {
      if (table === 'Posts_mediafile') reads.push(read);
    };
    await moveIn(server.app, originalSite, { onProgress });
    const [files = 0] = counts['Posts_mediafile'] ?? [];
    expect(reads).toEqual(Array.from({ length: files }, (_, index) => index + 1));
  });

  test('may be killed at any moment', async () => {
    await using site = await copySite((database) => {
      database.exec(`with recursive n (i) as (select 1000 union all select i + 1 from n where i < 4000)
        insert into Posts_post (id, description, date_created, date_modified, auhtor_id)
        select i, 'post ' || i, '2026-01-01 00:00:00', '2026-01-01 00:00:00', 1 + i % 6 from n;
        insert into Posts_post_likes (post_id, profile_id)
        select id, 1 + (id + 1) % 6 from Posts_post where id >= 1000`);
    });
    const folder = await mkdtemp(join(tmpdir(), 'veranda-killed-'));
    const [killed, whole] = [join(folder, 'killed'), join(folder, 'whole')];
    try {
      const ends: unknown[] = [];
      for (const table of ['Posts_post', 'Posts_post_likes', 'Posts_mediafile']) {
        ends.push(
          await killWhen(site, {
            dataDir: killed,
            isTime: async () => (await countTaken(killed, table)) > 0,
          }),
        );
      }
      // The later ones may have been quicker than the killer.
      expect(ends[0]).toBe('SIGKILL');
      expect(await runImport(site, killed)).toMatchObject({ code: 0 });
      expect(await runImport(site, whole)).toMatchObject({ code: 0 });
      expect(await readContents(killed)).toEqual(await readContents(whole));
      expect(await ask(killed, wrongCounters)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 120_000);
});

/** Without what the encoder changes at some moment after the import. */
function unencoded(contents: Awaited<ReturnType<typeof readContents>>): object {
  const media = contents.media.map((row) => ({
    ...(row as object),
    ...{ width: 0, height: 0, size: 0, ready_at: 0 },
  }));
  return { ...contents, media };
}

async function countTaken(dataDir: string, table: string): Promise<number> {
  try {
    const [row] = await ask<{ n: number }>(
      dataDir,
      'select count(*) as n from imports where foreign_table = ?',
      table,
    );
    return row?.n ?? 0;
  } catch {
    return 0;
  }
}

/** Kills the import as soon as it is time, or lets it end if it was quicker; answers the signal that ended it. */
async function killWhen(
  site: Site,
  { dataDir, isTime }: { dataDir: string; isTime: () => Promise<boolean> },
): Promise<NodeJS.Signals | null> {
  const child = await spawnVeranda(importArguments(site), dataDir);
  child.stdout.resume();
  child.stderr.resume();
  const ended = once(child, 'close');
  const watch = setInterval(() => {
    void isTime().then((is) => is && child.kill('SIGKILL'));
  }, 50);
  await ended;
  clearInterval(watch);
  return child.signalCode;
}
