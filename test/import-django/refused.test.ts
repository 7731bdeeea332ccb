// When nothing is imported at all, and why.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { join as signUp } from '../support/classic-client.ts';
import {
  copySite,
  moveIn,
  originalSite,
  readContents,
  runImport,
  runVeranda,
  type Site,
} from '../support/original-site.ts';
import { startServer } from '../support/servers.ts';

describe('an import is refused', () => {
  test('where other people have the ids already, with nothing written', async () => {
    await using server = await startServer();
    await signUp(server.base);
    const before = await readContents(server.dataDir);
    await expect(moveIn(server.app)).rejects.toMatchObject({ kind: 'conflict', code: 'ids_in_use' });
    expect(await readContents(server.dataDir)).toEqual(before);
  });

  test('where it is another site than the one that moved in before', async () => {
    await using server = await startServer();
    await moveIn(server.app);
    await using other = await copySite((database) =>
      database.exec(`update django_migrations set applied = '2020-02-02 02:02:02.020202'`),
    );
    await expect(moveIn(server.app, other)).rejects.toMatchObject({ code: 'ids_in_use' });
  });

  test.each<[string, (site: Site & { folder: string }) => Site, string]>([
    [
      'there is no file',
      (site) => ({ ...site, database: '/nowhere/db.sqlite3' }),
      'foreign_database_unreadable',
    ],
    [
      'it is no database',
      (site) => ({ ...site, database: join(site.media, 'profile_pictures/image.png') }),
      'foreign_database_unreadable',
    ],
    [
      'it is a database of another kind',
      (site) => ({ ...site, database: 'mysql://localhost/site' }),
      'foreign_database_unreadable',
    ],
    [
      'nobody listens',
      (site) => ({ ...site, database: 'postgres://localhost:1/site' }),
      'foreign_database_unreadable',
    ],
    ["it is another program's", (site) => site, 'not_the_original'],
    ['there is no media folder', (site) => ({ ...site, media: '/nowhere' }), 'media_folder_missing'],
  ])('where %s', async (_reason, change, code) => {
    await using server = await startServer();
    await using site = await copySite((database) => database.exec('drop table Posts_reply'));
    await expect(moveIn(server.app, change(site))).rejects.toMatchObject({ code });
    expect((await readContents(server.dataDir)).imports).toEqual([]);
  });

  test('by the command line with one sentence', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'veranda-refused-'));
    try {
      const wrong = await runImport({ database: '/nowhere/db.sqlite3', media: originalSite.media }, folder);
      expect(wrong).toMatchObject({
        code: 1,
        output: expect.stringMatching(/^\/nowhere\/db.sqlite3 cannot be read/),
      });
      expect(await runVeranda(['import-django', '--database', 'x'], folder)).toMatchObject({ code: 64 });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);
});
