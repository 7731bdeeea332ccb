// Backups, proved by restoring them: of a site that people use meanwhile (on PostgreSQL by two processes), of one whose files
// move meanwhile, and damaged ones.
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import Sqlite from 'better-sqlite3';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Contents, contentsOf } from './copies/contents.ts';
import { asDataUrl, call, join, type Person, say, sendChunk } from './support/classic-client.ts';
import { type Acknowledged, CHUNK, startCrowd } from './support/busy-people.ts';
import { makeFile } from './support/classic-uploads.ts';
import { type Finished, runVeranda } from './support/commands.ts';
import { spawnServer, type ServerProcess, startServer } from './support/servers.ts';
import { ask, onPostgres, placeOf } from './support/site-data.ts';

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let folder: string;
let picture: string;
beforeAll(async () => {
  folder = await mkdtemp(joinPath(tmpdir(), 'veranda-backup-'));
  const create = { width: 64, height: 64, channels: 3, background: 'teal' } as const;
  picture = asDataUrl(await sharp({ create }).png().toBuffer(), 'image/png');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const at = (name: string): string => joinPath(folder, name);
const backUp = (dataDir: string, to: string): Promise<Finished> =>
  runVeranda(['backup', '--to', to], { env: { DATA_DIR: dataDir } });
const restore = (from: string, dataDir: string): Promise<Finished> =>
  runVeranda(['restore', '--from', from], { env: { DATA_DIR: dataDir } });

describe('a backup of a site in use', () => {
  let site: ServerProcess;
  let restored: ServerProcess;
  /** On PostgreSQL another process of the same site, else the same one. */
  let second: ServerProcess;
  let people: [Person, Person, Person, Person];
  /** Of the one process, and of the other. */
  let before: Acknowledged[];
  let rows: Contents;
  let backup: Finished;
  let dataDir: string;

  beforeAll(async () => {
    site = await spawnServer();
    second = onPostgres ? await spawnServer({ DATA_DIR: site.dataDir }) : site;
    const [ann, ben, cleo, dan] = [
      await join(site.base),
      await join(site.base),
      await join(second.base),
      await join(second.base),
    ];
    people = [ann, ben, cleo, dan];
    const crowds = [
      startCrowd(site.base, { ann, ben, picture }),
      startCrowd(second.base, { ann: cleo, ben: dan, picture }),
    ];
    const isBusy = ({ talks, uploads, deleted, pictures }: Acknowledged): boolean =>
      Math.min(talks.length, uploads.length, deleted.length, pictures) >= 6;
    await Promise.all(crowds.map((crowd) => crowd.until(isBusy)));
    before = crowds.map(({ log }) => structuredClone(log));
    backup = await backUp(site.dataDir, at('whole'));
    await Promise.all(crowds.map((crowd) => crowd.stop()));
    await cp(at('whole/veranda.db'), at('rows.db'));
    dataDir = at('restored');
    const { code, err } = await restore(at('whole'), dataDir);
    if (code !== 0) throw new Error(`Neither the backup nor what is made of it: ${backup.err}${err}`);
    rows = await contentsOf(placeOf(dataDir));
    restored = await spawnServer({ DATA_DIR: dataDir });
  }, 120_000);
  afterAll(async () => {
    await second[Symbol.asyncDispose]();
    await site[Symbol.asyncDispose]();
    await restored[Symbol.asyncDispose]();
  });

  test('ends well and says what it holds', async () => {
    expect(backup).toMatchObject({ code: 0, err: '' });
    const manifest = JSON.parse(await readFile(at('whole/manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({ format: 1, version: expect.any(String), secretKey: true });
    expect(manifest).toMatchObject({ missing: [], missingFiles: [] });
    expect(manifest.database.sha256).toBe(hash(await readFile(at('whole/veranda.db'))));
    expect(manifest.media.files).toBeGreaterThan(2);
  });

  test('is for its owner alone', async () => {
    for (const name of ['secret-key', 'veranda.db', 'manifest.json'])
      expect((await stat(at(`whole/${name}`))).mode & 0o777).toBe(0o600);
    expect((await stat(at('whole'))).mode & 0o777).toBe(0o700);
    expect((await stat(joinPath(dataDir, 'secret-key'))).mode & 0o777).toBe(0o600);
  });

  test('has everything that was acknowledged before it began', async () => {
    for (const { postId, text } of before.flatMap(({ talks }) => talks)) {
      const { json } = await call(restored.base, `/api/posts/post/${postId}`);
      expect(json.description).toBe(text);
      expect(json.comments.map(({ comment }: { comment: string }) => comment)).toEqual([`on ${text}`]);
      expect(json.likes).toHaveLength(1);
    }
    for (const id of before.flatMap(({ deleted }) => deleted))
      expect((await call(restored.base, `/api/posts/post/${id}`)).status).toBe(404);
  });

  test('has true counters', async () => {
    const off = await ask(
      dataDir,
      `select id from posts where likes_count <> (select count(*) from likes where post_id = posts.id)
         or children_count <> (select count(*) from posts as child where child.parent_id = posts.id)`,
    );
    expect(off).toEqual([]);
  });

  test('has every row that the copy has, on either engine', async () => {
    expect(rows).toEqual(await contentsOf(at('rows.db')));
    const elsewhere = at('elsewhere');
    const env = { DATA_DIR: elsewhere, DATABASE_URL: `sqlite:${at('elsewhere.db')}` };
    expect(await runVeranda(['restore', '--from', at('whole')], { env })).toMatchObject({ code: 0, err: '' });
    expect(rows).toEqual(await contentsOf(at('elsewhere.db')));
  });

  test('has every file that its rows name', async () => {
    const rows = await ask<{ key: string; size: number | null }>(
      dataDir,
      `select file_key as key, size from media where file_key is not null
       union select picture_key, null from profiles where picture_key is not null
       union select cover_key, null from profiles where cover_key is not null`,
    );
    expect(rows.length).toBeGreaterThan(2);
    for (const { key, size } of rows) {
      const answer = await fetch(`${restored.base}/media/${key}`);
      expect([key, answer.status]).toEqual([key, 200]);
      const bytes = await answer.arrayBuffer();
      if (size !== null) expect(bytes.byteLength).toBe(size);
    }
  });

  test('is a database without a fault, and without a trace of the backup', async () => {
    const copy = new Sqlite(at('rows.db'));
    expect(copy.pragma('integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    expect(copy.pragma('foreign_key_check')).toEqual([]);
    const leased = `select id from jobs where kind = 'backup' or lease_holder is not null or lease_until > 0
      union all select id from uploads where lease_holder is not null or lease_until > 0`;
    expect(copy.prepare(leased).all()).toEqual([]);
    copy.close();
    expect(await ask(site.dataDir, `select * from jobs where kind = 'backup'`)).toEqual([]);
  });

  test('knows its people: by the tokens they have, and by their passwords', async () => {
    for (const { access, username, password, id } of people) {
      const own = await call(restored.base, '/api/users/author/', { token: access });
      expect(own.json.id).toBe(id);
      const signIn = await call(restored.base, '/api/users/user/token/', { body: { username, password } });
      expect(signIn.status).toBe(200);
    }
  });

  test('has every upload with its acknowledged bytes, and it goes on', async () => {
    const [ann, , cleo] = people;
    const uploads = before.flatMap((log, index) =>
      log.uploads.map((upload) => ({ ...upload, ann: index === 0 ? ann : cleo })),
    );
    expect(uploads.some(({ closed }) => closed)).toBe(true);
    for (const { file, filename, offset, mediaId, closed, ann: sender } of uploads) {
      if (!closed && offset > 0) await goOn({ ann: sender, file, filename, offset, mediaId });
      if (!closed && offset === 0) continue;
      const [row] = await ask<{ key: string }>(
        dataDir,
        'select file_key as key from media where id = ?',
        mediaId,
      );
      const stored = await fetch(`${restored.base}/media/${row?.key}`);
      expect(hash(new Uint8Array(await stored.arrayBuffer()))).toBe(hash(file));
    }
  });

  interface Going {
    ann: Person;
    file: Buffer;
    filename: string;
    offset: number;
    mediaId: number;
  }

  async function goOn({ ann, file, filename, offset, mediaId }: Going): Promise<void> {
    const [row] = await ask<{ offset: number; finished: number | null }>(
      dataDir,
      'select "offset", finished_at as finished from uploads where media_id = ?',
      mediaId,
    );
    expect(row?.offset).toBeGreaterThanOrEqual(offset);
    if (row?.finished) return;
    for (let sent = row?.offset ?? 0; sent < file.length; sent += CHUNK) {
      const bytes = file.subarray(sent, sent + CHUNK);
      const fields = { offset: String(sent) };
      expect((await sendChunk(restored.base, ann, { filename, bytes, fields })).status).toBe(200);
    }
    const body = { postID: await say(restored.base, ann, 'a video'), videoID: mediaId };
    const path = '/api/posts/post/add/media/video/finalize/';
    expect((await call(restored.base, path, { token: ann.access, body })).status).toBe(200);
  }

  test('is not written over, nor into the site itself, nor by a restore over another site', async () => {
    expect(await backUp(site.dataDir, at('whole'))).toMatchObject({
      code: 1,
      err: expect.stringContaining('is not empty'),
    });
    expect(await backUp(site.dataDir, joinPath(site.dataDir, 'media/copy'))).toMatchObject({ code: 1 });
    expect(await restore(at('whole'), dataDir)).toMatchObject({ code: 1 });
    expect(await backUp(at('nowhere'), at('of-nothing'))).toMatchObject({ code: 1 });
    expect(await readdir(folder)).not.toContain('of-nothing');
  });

  test.each<[string, (copy: string) => Promise<unknown>]>([
    ['whose database was changed', (copy) => appendFile(joinPath(copy, 'veranda.db'), 'x')],
    ['without its database', (copy) => rm(joinPath(copy, 'veranda.db'))],
    [
      'that lost a file',
      async (copy) => rm(joinPath(copy, 'media', await firstFile(joinPath(copy, 'media')))),
    ],
    ['that was cut short', (copy) => rm(joinPath(copy, 'manifest.json'))],
    ['of another kind', (copy) => writeFile(joinPath(copy, 'manifest.json'), '{"format":2}')],
    ['of a newer version', (copy) => changeManifest(copy, { schema: 999 })],
  ])('is refused when it is one %s, and nothing is left behind', async (_, damage) => {
    await using cleanUp = new AsyncDisposableStack();
    const copy = at('damaged');
    cleanUp.defer(() => rm(copy, { recursive: true, force: true }));
    await cp(at('whole'), copy, { recursive: true });
    await damage(copy);
    const refused = await restore(copy, at('never'));
    expect(refused.code).toBe(1);
    expect(refused.err.trim().split('\n')).toHaveLength(1);
    expect(await readdir(at('never')).catch(() => [])).toEqual([]);
    if (onPostgres) expect((await contentsOf(placeOf(at('never')))).tables).toEqual({});
  });
});

test('an upload that became a blob just after the database was copied is an upload again', async () => {
  await using site = await startServer();
  const ann = await join(site.base);
  const bytes = makeFile(CHUNK);
  await sendChunk(site.base, ann, { filename: 'a.mp4', bytes });
  const [upload] = await ask<{ key: string }>(site.dataDir, 'select draft_key as key from uploads');
  await mkdir(joinPath(site.dataDir, 'media/videos'), { recursive: true });
  await rename(
    joinPath(site.dataDir, 'uploads', upload?.key ?? ''),
    joinPath(site.dataDir, 'media/videos', `${upload?.key}.mp4`),
  );
  expect(await backUp(site.dataDir, at('moved'))).toMatchObject({ code: 0 });
  expect(hash(await readFile(at(`moved/uploads/${upload?.key}`)))).toBe(hash(bytes));
});

test('a secret key that is not in use is left out, and the operator is told to keep the one that is', async () => {
  await using site = await startServer();
  const env = { DATA_DIR: site.dataDir, SECRET_KEY: randomBytes(32).toString('hex') };
  const { out } = await runVeranda(['backup', '--to', at('keyless')], { env });
  expect(out).toContain('SECRET_KEY is not in the backup');
  expect(await readdir(at('keyless'))).not.toContain('secret-key');
});

test('an upload whose bytes are lost is named', async () => {
  await using site = await startServer();
  const ann = await join(site.base);
  await sendChunk(site.base, ann, { filename: 'a.mp4', bytes: makeFile(CHUNK) });
  await rm(joinPath(site.dataDir, 'uploads'), { recursive: true });
  const { code, out } = await backUp(site.dataDir, at('lost'));
  expect(code).toBe(0);
  expect(out).toContain('warning: the bytes of the unfinished upload');
});

test('a file that is lost is named, and the rest comes back', async () => {
  await using site = await startServer();
  const ann = await join(site.base);
  const body = { profile_image: picture };
  await call(site.base, '/api/users/author/update/', { token: ann.access, body });
  await rm(joinPath(site.dataDir, 'media/profile_pictures'), { recursive: true });
  const { code, out } = await backUp(site.dataDir, at('holed'));
  expect(code).toBe(0);
  expect(out).toMatch(/warning: profile_pictures\/\S+ is named by the database and not in the storage/);
  expect(await restore(at('holed'), at('from-holed'))).toMatchObject({ code: 0 });
});

test('what PostgreSQL cannot hold stops a restore onto it with the row, and nothing is left; SQLite takes it', async () => {
  await using site = await startServer();
  await join(site.base);
  await backUp(site.dataDir, at('nul'));
  const copy = new Sqlite(at('nul/veranda.db'));
  copy.exec(`update profiles set bio = 'a' || char(0) || 'b'`);
  copy.close();
  const bytes = await readFile(at('nul/veranda.db'));
  await changeManifest(at('nul'), { database: { bytes: bytes.length, sha256: hash(bytes) } });
  const { code, err } = await restore(at('nul'), at('from-nul'));
  const left = await readdir(at('from-nul'));
  const there = await contentsOf(placeOf(at('from-nul')));
  expect(code).toBe(onPostgres ? 1 : 0);
  expect(err).toContain(onPostgres ? 'profiles (id 1): bio' : '');
  expect(Object.keys(there.tables).length === 0).toBe(onPostgres);
  expect(left).toHaveLength(onPostgres ? 0 : 2);
});

async function firstFile(root: string): Promise<string> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const file = entries.find((entry) => entry.isFile());
  return file ? joinPath(file.parentPath, file.name).slice(root.length + 1) : '';
}

async function changeManifest(copy: string, change: object): Promise<void> {
  const path = joinPath(copy, 'manifest.json');
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...change }));
}
