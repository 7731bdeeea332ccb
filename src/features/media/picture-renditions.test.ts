import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openTestMedia, type TestMedia } from '../../../test/support/media.ts';
import { paintPhoto, SECRETS, withSecrets } from '../../../test/support/photos.ts';
import type { Storage } from '../../platform/storage/storage.ts';

let opened: TestMedia;
let postId = 0;
/** Called before each file that is stored. */
let onPut: (key: string) => Promise<void> = async () => undefined;

beforeEach(async () => {
  onPut = async () => undefined;
  opened = await openTestMedia({ wrapStorage });
  postId = await opened.insertPost();
});
afterEach(() => opened[Symbol.asyncDispose]());

const wrapStorage = (storage: Storage): Storage => ({
  ...storage,
  blobs: {
    ...storage.blobs,
    async put(key, content) {
      await onPut(key);
      await storage.blobs.put(key, content);
    },
  },
  [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
});

const photo = await withSecrets((await paintPhoto({ width: 480, height: 360 })).blur(1).jpeg()).toBuffer();

async function addPicture(bytes = photo): Promise<void> {
  const { attachments } = opened.media;
  const stored = await attachments.storePicture(bytes);
  await opened.database.transaction((tx) =>
    attachments.insertPicture(tx, { stored, ownerId: opened.ann.profileId, postId }),
  );
}
const pictures = () => opened.database.read.selectFrom('pictures').selectAll().orderBy('id').execute();
const shown = async () => (await opened.media.views.byPost([postId])).get(postId) ?? [];
const jobs = () =>
  opened.database.read.selectFrom('jobs').select(['kind', 'priority']).orderBy('id').execute();
const versionOf = async (): Promise<number> => {
  const posts = opened.database.read.selectFrom('posts').select('version').where('id', '=', postId);
  return (await posts.executeTakeFirstOrThrow()).version;
};

test('the request stores one file and writes one job; what the page needs before it loads is known', async () => {
  await addPicture();
  expect(await jobs()).toEqual([{ kind: 'picture-renditions', priority: 0 }]);
  expect(await opened.files()).toHaveLength(1);
  expect(await shown()).toMatchObject([
    {
      ...{ kind: 'picture', width: 480, height: 360 },
      picture: { alt: '', focus: { x: 0, y: 0 }, blurhash: expect.stringMatching(/^.{28}$/), renditions: [] },
    },
  ]);
});

test('the job makes each size in WebP, then in AVIF, and the post shows another version of itself', async () => {
  await addPicture();
  const before = await versionOf();
  await opened.work();
  const [media] = await shown();
  const made = media?.picture?.renditions ?? [];
  expect(made.map(({ type, width, height }) => [type, width, height])).toEqual([
    ...[320, 480].map((width) => ['image/avif', width, width * 0.75]),
    ...[320, 480].map((width) => ['image/webp', width, width * 0.75]),
  ]);
  expect(await opened.files()).toEqual(
    [media?.fileKey, ...made.map(({ key }) => key)].map((key) => `media/${key}`).toSorted(),
  );
  for (const { key } of made) expect(key).toMatch(/^renditions\/[0-9a-f]{32}\/\d+\.(webp|avif)$/);
  expect(await versionOf()).toBe(before + 2);
  expect(await jobs()).toEqual([]);
});

test('no file of a picture says where and with what it was taken', async () => {
  await addPicture();
  await opened.work();
  const keys = (await shown()).flatMap(({ fileKey, picture }) => [
    fileKey ?? '',
    ...(picture?.renditions ?? []).map(({ key }) => key),
  ]);
  expect(keys).toHaveLength(5);
  for (const key of keys)
    await opened.storage.blobs.withFile(key, async (path) => {
      const { exif, xmp, iptc } = await sharp(path).metadata();
      expect([exif, xmp, iptc]).toEqual([undefined, undefined, undefined]);
      const bytes = await sharp(path).toBuffer();
      for (const secret of SECRETS) expect(bytes.includes(secret)).toBe(false);
    });
});

describe('a picture that is removed', () => {
  test('takes everything with it that was made of it', async () => {
    await addPicture();
    await opened.work();
    expect((await opened.files()).length).toBeGreaterThan(3);
    await opened.removePostMedia(postId);
    await opened.work();
    expect(await opened.files()).toEqual([]);
    expect(await pictures()).toEqual([]);
  });

  test.each([
    ['before the first file', 'webp', 1],
    ['between two files', 'webp', 2],
    ['while AVIF is made', 'avif', 2],
  ])('%s leaves no file', async (_, format, place) => {
    await addPicture();
    let count = 0;
    onPut = async (key) => {
      if (key.endsWith(format)) count += 1;
      if (count === place) await opened.removePostMedia(postId);
    };
    await opened.work();
    expect(count).toBeGreaterThanOrEqual(place);
    expect(await opened.files()).toEqual([]);
    expect(await pictures()).toEqual([]);
  });
});

describe('a job', () => {
  test('that fails leaves no file, is tried again and succeeds', async () => {
    await addPicture();
    let failures = 0;
    onPut = async (key) => {
      if (key.endsWith('480.webp') && failures < 1) {
        failures += 1;
        throw new Error('the disk is full');
      }
    };
    await opened.work();
    expect(failures).toBe(1);
    expect(await opened.files()).toHaveLength(1);
    opened.queue.clock += 60_000;
    await opened.work();
    expect((await shown())[0]?.picture?.renditions).toHaveLength(4);
    expect(await opened.files()).toHaveLength(5);
  });

  test('that always fails is given up; the picture stays as it is and is not tried by the sweep', async () => {
    await addPicture();
    onPut = () => Promise.reject(new Error('the disk is full'));
    for (let round = 0; round < 4; round += 1) {
      await opened.work();
      opened.queue.clock += 3_600_000;
    }
    expect(await pictures()).toMatchObject([
      { draftPrefix: null, renderedAt: null, failedAt: expect.any(Number) },
    ]);
    expect(await opened.files()).toHaveLength(1);
  });

  test('that is run twice, as after a lost lease, makes one set of files', async () => {
    await addPicture();
    const [job] = await opened.database.read.selectFrom('jobs').selectAll().execute();
    await opened.work();
    const files = await opened.files();
    if (!job) throw new Error('no job was written');
    const { id: _id, ...again } = job;
    await opened.database.transaction((tx) => tx.insertInto('jobs').values(again).execute());
    await opened.work();
    expect(await opened.files()).toEqual(files);
  });

  test('that died half-way is begun again; what it left goes', async () => {
    await addPicture();
    await opened.storage.blobs.put('renditions/dead/320.webp', Buffer.from('half'));
    await opened.database.transaction((tx) =>
      tx.updateTable('pictures').set({ draftPrefix: 'renditions/dead' }).execute(),
    );
    await opened.work();
    expect(await opened.storage.blobs.open('renditions/dead/320.webp')).toBeUndefined();
    expect(await opened.files()).toHaveLength(5);
  });
});

test('AVIF is made when nothing else waits', async () => {
  const order: string[] = [];
  onPut = async (key) => {
    if (key.startsWith('renditions/')) order.push(key.slice(key.lastIndexOf('.') + 1));
  };
  for (let count = 0; count < 3; count += 1) await addPicture();
  await opened.work();
  expect(order).toEqual([...Array<string>(6).fill('webp'), ...Array<string>(6).fill('avif')]);
});

test('however many come, one is worked on at a time', async () => {
  let running = 0;
  const seen: number[] = [];
  onPut = async (key) => {
    if (!key.endsWith('320.webp')) return;
    const leased = opened.database.read
      .selectFrom('jobs')
      .select('id')
      .where('kind', '=', 'picture-renditions')
      .where('leaseHolder', 'is not', null);
    running = (await leased.execute()).length;
    seen.push(running);
  };
  for (const _ of [1, 2, 3]) await addPicture();
  await opened.work();
  expect(seen).toEqual([1, 1, 1]);
});

describe('the sweep', () => {
  const sweep = async (): Promise<void> => {
    const { sweepPicturesJob } = await import('./index.ts');
    await opened.database.transaction((tx) =>
      opened.queue.jobs.enqueue(tx, sweepPicturesJob, { payload: {} }),
    );
    await opened.work();
  };

  test('has renditions and a blurhash made of pictures from before there were any', async () => {
    await addPicture();
    await opened.database.transaction(async (tx) => {
      await tx.deleteFrom('jobs').execute();
      await tx.updateTable('pictures').set({ blurhash: null, width: null, height: null }).execute();
    });
    await sweep();
    expect(await pictures()).toMatchObject([{ width: 480, height: 360, blurhash: expect.any(String) }]);
    expect((await shown())[0]?.picture?.renditions).toHaveLength(4);
  });

  test('lets those that somebody waits for go first', async () => {
    await addPicture();
    await opened.database.transaction((tx) => tx.deleteFrom('jobs').execute());
    const { createPictureSweep } = await import('./sweep-pictures.ts');
    const run = createPictureSweep({ database: opened.database, jobs: opened.queue.jobs });
    const { signal } = new AbortController();
    await run({ id: 1, attempt: 1, payload: {}, signal, confirm: () => Promise.resolve() });
    await addPicture();
    expect((await jobs()).map(({ priority }) => priority)).toEqual([-20, 0]);
  });
});
