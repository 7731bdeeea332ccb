// Node's permission model, as an operator may switch it on: the process writes to its data folder and nowhere else.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { expect, test } from 'vitest';
import { call, join, say, sendChunk } from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { spawnServer } from '../support/servers.ts';
import { PICTURE } from '../access/pictures.ts';

test('with leave to write to the data folder alone, everything works', { timeout: 60_000 }, async () => {
  const DATA_DIR = await mkdtemp(joinPath(tmpdir(), 'veranda-permitted-'));
  const flags = [
    '--allow-fs-read=*',
    `--allow-fs-write=${DATA_DIR}`,
    '--allow-addons',
    '--allow-child-process',
  ];
  const planted = `process.on('SIGUSR2', () => import('node:fs').then((fs) => fs.writeFileSync('${DATA_DIR}-beside', '')));`;
  const probe = `--import data:text/javascript,${encodeURIComponent(planted)}`;
  try {
    await using site = await spawnServer({
      DATA_DIR,
      NODE_OPTIONS: `--permission ${flags.join(' ')} ${probe}`,
    });
    const person = await join(site.base, { profile_image: PICTURE });
    const token = person.access;
    const postID = await say(site.base, person, 'seen');
    const added = await call(site.base, '/api/posts/post/add/media/image/', {
      token,
      body: { postID, imageBase64: PICTURE },
    });
    expect(added.status).toBe(200);
    const { json } = await sendChunk(site.base, person, { filename: 'a.mp4', bytes: makeFile(5_000) });
    const body = { postID, videoID: json.id };
    const closed = await call(site.base, '/api/posts/post/add/media/video/finalize/', { token, body });
    expect(closed.status).toBe(200);
    const { media_files: files } = (await call(site.base, `/api/posts/post/${postID}/`)).json;
    for (const { file } of files) expect((await call(site.base, file)).status).toBe(200);

    // The flags do hold: a write elsewhere is a fault like any other.
    expect(await site.end('SIGUSR2')).toEqual({ code: 1, signal: null });
    expect(site.lines.join('\n')).toContain('ERR_ACCESS_DENIED');
  } finally {
    await rm(DATA_DIR, { recursive: true, force: true });
  }
});
