import { createHash, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { insertPerson } from '../../../test/support/databases.ts';
import { openTestMedia, type TestMedia } from '../../../test/support/media.ts';
import type { Viewer } from '../users/index.ts';
import type { Chunk } from './uploads.ts';

let opened: TestMedia;
beforeEach(async () => {
  opened = await openTestMedia();
});
afterEach(() => opened[Symbol.asyncDispose]());

const append = (content: Buffer | string, more: Partial<Chunk> = {}) =>
  opened.media.uploads.append({
    ...{ viewer: opened.ann, label: 'clip.mp4', connection: 'a' },
    content: Buffer.from(content),
    ...more,
  });
async function stored(mediaId: number): Promise<string> {
  const upload = await opened.uploadRow(mediaId);
  if (!upload || upload.offset === 0) return '';
  const range = { start: 0, end: upload.offset - 1 };
  return (await buffer(opened.storage.drafts.read(upload.draftKey, range))).toString();
}

describe('pieces without an offset', () => {
  test('go to the end, one after the other', async () => {
    const { mediaId } = await append('one ');
    expect(await append('two ')).toMatchObject({ mediaId, offset: 8, label: 'clip.mp4' });
    expect(await append('', { connection: 'b' })).toMatchObject({ mediaId, offset: 8 });
    expect(await stored(mediaId)).toBe('one two ');
  });

  test('that come twice on different connections, at the same time, are stored once', async () => {
    const { mediaId } = await append('begin ');
    const repeats = ['b', 'c', 'd', 'e'].map((connection) => append('same ', { connection }));
    expect((await Promise.all(repeats)).map((progress) => progress.offset)).toEqual([11, 11, 11, 11]);
    expect(await stored(mediaId)).toBe('begin same ');
  });

  test('that are equal are a repeat on another connection, and new bytes on the one that had the answer', async () => {
    const { mediaId } = await append('same ');
    expect(await append('same ')).toMatchObject({ offset: 10 });
    expect(await append('same ', { connection: 'b' })).toMatchObject({ offset: 10 });
    expect(await append('same ', { connection: 'b' })).toMatchObject({ offset: 15 });
    expect(await append('other', { connection: 'c' })).toMatchObject({ offset: 20 });
    expect(await stored(mediaId)).toBe('same same same other');
  });
});

describe('pieces with an offset', () => {
  test('come in any order as often as they like, and the file is what was meant', async () => {
    const pieces = ['zero-', 'one-', 'two-', 'three'];
    const offsets = pieces.map((_, index) => pieces.slice(0, index).join('').length);
    const { mediaId } = await append(pieces[0] ?? '', { offset: 0 });
    let left = [1, 2, 3, 0, 2, 1, 3, 3];
    for (let round = 0; round < 5 && left.length > 0; round += 1) {
      const outcomes = await Promise.allSettled(
        left.map((index) =>
          append(pieces[index] ?? '', { offset: offsets[index] ?? 0, connection: `c${index}` }),
        ),
      );
      for (const outcome of outcomes)
        if (outcome.status === 'rejected')
          expect(outcome.reason).toMatchObject({
            code: 'offset_mismatch',
            details: { offset: expect.any(Number) },
          });
      left = left.filter((_, index) => outcomes[index]?.status === 'rejected');
    }
    expect(left).toEqual([]);
    expect(await stored(mediaId)).toBe(pieces.join(''));
  });

  test.each([
    ['beyond the end', 'x', 9],
    ['across the end', 'defgh', 3],
    ['other bytes than are there', 'XY', 1],
  ])('that lie %s are told where the upload stands', async (_, content, offset) => {
    const { mediaId } = await append('abcdef');
    await expect(append(content, { offset, connection: 'b' })).rejects.toMatchObject({
      ...{ kind: 'conflict', code: 'offset_mismatch', details: { offset: 6 } },
    });
    expect(await stored(mediaId)).toBe('abcdef');
  });

  test('that are empty are there wherever there is something, and nowhere else', async () => {
    await append('abc');
    for (const offset of [0, 2, 3]) expect(await append('', { offset })).toMatchObject({ offset: 3 });
    await expect(append('', { offset: 4 })).rejects.toMatchObject({ code: 'offset_mismatch' });
  });

  test('of an upload that is not there must begin with 0, and leave nothing otherwise', async () => {
    await expect(append('x', { offset: 5 })).rejects.toMatchObject({
      ...{ kind: 'conflict', code: 'offset_mismatch', details: { offset: 0 } },
    });
    expect(await opened.database.read.selectFrom('media').selectAll().execute()).toEqual([]);
  });
});

describe('a piece', () => {
  test('is refused unless it has the hash that came with it', async () => {
    const sha256 = createHash('sha256').update('right').digest('hex');
    await expect(append('wrong', { sha256 })).rejects.toMatchObject({ code: 'checksum_mismatch' });
    expect(await append('right', { sha256: sha256.toUpperCase() })).toMatchObject({ offset: 5 });
  });

  test('that would make the file too large is refused, and the upload stays as it was', async () => {
    const { mediaId } = await append('abc');
    await opened.database.transaction((tx) =>
      tx
        .updateTable('uploads')
        .set({ offset: 50e6 - 2 })
        .execute(),
    );
    await expect(append('defg')).rejects.toMatchObject({ kind: 'too_large', code: 'video_too_large' });
    expect(await opened.uploadRow(mediaId)).toMatchObject({ offset: 50e6 - 2, leaseHolder: null });
    expect(await append('de')).toMatchObject({ offset: 50e6 });
  });

  test('needs a name, which may be anything up to a length', async () => {
    await expect(append('x', { label: '' })).rejects.toMatchObject({ code: 'label_missing' });
    await expect(append('x', { label: 'x'.repeat(1_001) })).rejects.toMatchObject({ code: 'label_too_long' });
    expect(await append('x', { label: 'a.mov.txt' })).toMatchObject({
      expectedKey: expect.stringMatching(/mp4$/),
    });
    for (const label of ['../../etc/passwd', '/abs', 'ünï/🎬.mov', '.', ' ', 'x'.repeat(1_000)]) {
      const { mediaId, expectedKey } = await append('x', { label });
      expect(await opened.uploadRow(mediaId)).toMatchObject({ label });
      expect(expectedKey).toMatch(/^videos\/[0-9a-f]{32}\.(mp4|mov)$/);
    }
    expect((await opened.files()).every((file) => /^uploads\/[0-9a-f]{32}$/.test(file))).toBe(true);
  });

  test('of somebody else with the same name goes to their own upload', async () => {
    const bob: Viewer = { ...(await insertPerson(opened.database, 'bob')), sessionId: 2, role: 'user' };
    const [mine, theirs] = [await append('mine'), await append('theirs', { viewer: bob })];
    expect(await append('!')).toMatchObject({ mediaId: mine.mediaId, offset: 5 });
    expect([await stored(mine.mediaId), await stored(theirs.mediaId)]).toEqual(['mine!', 'theirs']);
  });
});

test('a finished upload has its last piece and its end for whoever did not hear of it, and takes nothing more', async () => {
  const { mediaId } = await append('all ');
  await append('of it');
  await opened.database.transaction((tx) => tx.updateTable('uploads').set({ finishedAt: 1 }).execute());
  for (const connection of ['a', 'b'])
    for (const last of ['of it', '']) expect(await append(last, { connection })).toMatchObject({ offset: 9 });
  for (const more of ['more ', 'all ', 'of i'])
    await expect(append(more, { connection: 'b' })).rejects.toMatchObject({
      ...{ kind: 'conflict', code: 'upload_closed', details: { offset: 9 } },
    });
  expect(await stored(mediaId)).toBe('all of it');
});

test('sixty uploads begun at once leave fifty open', async () => {
  const outcomes = await Promise.allSettled(
    Array.from({ length: 60 }, (_, index) => append('x', { label: `clip ${index}` })),
  );
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
  expect(refused).toEqual(Array.from({ length: 10 }, () => 'too_many_uploads'));
  expect(await opened.files()).toHaveLength(50);
});

test('the same new name begun ten times at once is one upload', async () => {
  const pieces = Array.from({ length: 10 }, () => randomBytes(1_000));
  const progress = await Promise.all(
    pieces.map((piece, index) => append(piece, { connection: `c${index}` })),
  );
  expect(new Set(progress.map(({ mediaId }) => mediaId)).size).toBe(1);
  expect(Math.max(...progress.map(({ offset }) => offset))).toBe(10_000);
  expect(await opened.files()).toHaveLength(1);
});
