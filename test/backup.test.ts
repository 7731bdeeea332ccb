// Backups, proved by restoring them: of a site that people use meanwhile, of one whose files move meanwhile, and damaged ones.
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
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asDataUrl, call, join, type Person, say, sendChunk } from './support/classic-client.ts';
import { type Acknowledged, CHUNK, startCrowd } from './support/busy-people.ts';
import { makeFile } from './support/classic-uploads.ts';
import { type Finished, runVeranda } from './support/commands.ts';
import { spawnServer, type ServerProcess, startServer } from './support/servers.ts';
import { ask } from './support/site-data.ts';

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
  let people: [Person, Person];
  let before: Acknowledged;
  let backup: Finished;
  let dataDir: string;

  beforeAll(async () => {
    site = await spawnServer();
    people = [await join(site.base), await join(site.base)];
    const crowd = startCrowd(site.base, { ann: people[0], ben: people[1], picture });
    const isBusy = ({ talks, uploads, deleted, pictures }: Acknowledged): boolean =>
      Math.min(talks.length, uploads.length, deleted.length, pictures) >= 8;
    await crowd.until(isBusy);
    before = structuredClone(crowd.log);
    backup = await backUp(site.dataDir, at('whole'));
    await crowd.stop();
    dataDir = at('restored');
    await restore(at('whole'), dataDir);
    restored = await spawnServer({ DATA_DIR: dataDir });
  }, 120_000);
  afterAll(async () => {
    await site[Symbol.asyncDispose]();
    await restored[Symbol.asyncDispose]();
  });

  test('ends well and says what it holds', async () => {
    expect(backup).toMatchObject({ code: 0, err: '' });
    const manifest = JSON.parse(await readFile(at('whole/manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({ format: 1, version: expect.any(String), secretKey: true, missing: [] });
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
    for (const { postId, text } of before.talks) {
      const { json } = await call(restored.base, `/api/posts/post/${postId}`);
      expect(json.description).toBe(text);
      expect(json.comments.map(({ comment }: { comment: string }) => comment)).toEqual([`on ${text}`]);
      expect(json.likes).toHaveLength(1);
    }
    for (const id of before.deleted)
      expect((await call(restored.base, `/api/posts/post/${id}`)).status).toBe(404);
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
    expect(await ask(dataDir, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    expect(await ask(dataDir, 'pragma foreign_key_check')).toEqual([]);
    expect(await ask(dataDir, `select * from jobs where kind = 'backup'`)).toEqual([]);
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
    const [ann] = people;
    expect(before.uploads.some(({ closed }) => closed)).toBe(true);
    for (const { file, filename, offset, mediaId, closed } of before.uploads) {
      if (!closed && offset > 0) await goOn({ ann, file, filename, offset, mediaId });
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

async function firstFile(root: string): Promise<string> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const file = entries.find((entry) => entry.isFile());
  return file ? joinPath(file.parentPath, file.name).slice(root.length + 1) : '';
}

async function changeManifest(copy: string, change: object): Promise<void> {
  const path = joinPath(copy, 'manifest.json');
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...change }));
}
