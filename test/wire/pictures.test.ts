// `add/media/image/`: what a picture is, its bytes say; whatever else they carried is gone.
import { readdir } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, asDataUrl, call, join, type Person, say } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
let ann: Person;
let bob: Person;

beforeAll(async () => {
  server = await startServer({ MAX_MEDIA_PER_POST: '3' });
  ann = await join(server.base);
  bob = await join(server.base);
});
afterAll(() => server[Symbol.asyncDispose]());

const send = (postID: unknown, imageBase64: unknown, person: Person = ann): Promise<Answer> =>
  call(server.base, '/api/posts/post/add/media/image/', {
    token: person.access,
    body: { postID, imageBase64 },
  });
// oxlint-disable-next-line typescript/no-explicit-any
const mediaOf = async (id: number): Promise<any[]> =>
  (await call(server.base, `/api/posts/post/${id}/`)).json.media_files;
const paint = (background = 'teal', width = 40, height = 20): Sharp =>
  sharp({ create: { width, height, channels: 3, background } });

const withHoles = (): Sharp =>
  sharp({ create: { width: 40, height: 20, channels: 4, background: { r: 0, g: 128, b: 128, alpha: 0.5 } } });

/** Red at the left, blue at the right. */
const redAndBlue = (): Sharp =>
  paint('red').composite([
    { input: { create: { width: 20, height: 20, channels: 3, background: 'blue' } }, left: 20, top: 0 },
  ]);

async function load(path: string): Promise<{ type: string | null; headers: Headers; bytes: Buffer }> {
  const answer = await fetch(server.base + path);
  expect(answer.status).toBe(200);
  const bytes = Buffer.from(await answer.arrayBuffer());
  return { type: answer.headers.get('content-type'), headers: answer.headers, bytes };
}

/** Puts it on a new post and answers how it is shown there. */
async function show(dataUrl: string) {
  const id = await say(server.base, ann, 'a picture');
  expect(await send(id, dataUrl)).toMatchObject({ status: 200, json: { message: 'Image Added suffcefull' } });
  const [media, ...others] = await mediaOf(id);
  expect(others).toEqual([]);
  // The original's four keys, then what a client needs before it loads the file; `sources` fills up later.
  expect(media).toEqual({
    ...{ id: expect.any(Number), filename: '', file: expect.any(String), hls_url: null },
    ...{ width: expect.any(Number), height: expect.any(Number), blurhash: expect.any(String) },
    ...{ alt: '', focus: { x: 0, y: 0 }, sources: expect.any(Array) },
  });
  return { path: media.file as string, ...(await load(media.file)) };
}

describe('a picture', () => {
  test.for(['image/gif', 'image/svg+xml', 'text/html', 'image/jpeg', 'application/octet-stream', ''])(
    'that is PNG bytes with holes stays a PNG, whatever "%s" it is labelled',
    async (label) => {
      const { path, type, headers, bytes } = await show(asDataUrl(await withHoles().png().toBuffer(), label));
      expect(path).toMatch(/^\/media\/pictures\/[0-9a-f]{32}\.png$/);
      expect(type).toBe('image/png');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('cache-control')).toContain('immutable');
      expect(headers.get('cross-origin-resource-policy')).toBeNull();
      expect(await sharp(bytes).metadata()).toMatchObject({ format: 'png', width: 40, height: 20 });
    },
  );

  test('has an ending that the client shows and that is true, whatever its format', async () => {
    const moving = sharp(await Promise.all(['red', 'lime'].map((colour) => paint(colour).png().toBuffer())), {
      join: { animated: true },
    });
    const pictures: [Sharp, 'png' | 'jpeg' | 'gif' | 'webp' | 'avif', string][] = [
      [paint(), 'png', 'jpg'],
      [paint(), 'jpeg', 'jpg'],
      [paint(), 'webp', 'jpg'],
      [paint(), 'avif', 'jpg'],
      [withHoles(), 'webp', 'png'],
      [moving.clone(), 'gif', 'gif'],
      [moving.clone(), 'webp', 'gif'],
    ];
    for (const [picture, format, ending] of pictures) {
      const { path, type, bytes } = await show(asDataUrl(await picture.toFormat(format).toBuffer()));
      expect(path.split('.')[1], format).toBe(ending);
      expect(`image/${(await sharp(bytes).metadata()).format}`).toBe(type);
    }
  });

  test('loses where and with what it was taken, and keeps what is up', async () => {
    const exif = {
      IFD0: { Make: 'Secret Camera', Copyright: 'Ann Lee' },
      IFD3: {
        GPSLatitudeRef: 'N',
        GPSLatitude: '52/1 31/1 12/1',
        GPSLongitudeRef: 'E',
        GPSLongitude: '13/1 24/1 18/1',
      },
    };
    const taken = await redAndBlue()
      .withMetadata({ orientation: 6 })
      .withExifMerge(exif)
      .jpeg({ quality: 95 })
      .toBuffer();
    const before = await sharp(taken).metadata();
    expect(before).toMatchObject({ orientation: 6, exif: expect.any(Buffer) });
    expect(taken.includes('Secret Camera')).toBe(true);

    const { path, bytes } = await show(asDataUrl(taken, 'image/jpeg'));
    expect(path).toMatch(/\.jpg$/);
    const after = await sharp(bytes).metadata();
    expect(after).toMatchObject({ width: 20, height: 40 });
    expect([after.exif, after.xmp, after.iptc]).toEqual([undefined, undefined, undefined]);
    expect([undefined, 1]).toContain(after.orientation);
    for (const trace of ['Secret', 'Ann Lee', 'Exif']) expect(bytes.includes(trace), trace).toBe(false);
    // Turned a quarter clockwise, what was left is up.
    const [red, , blue] = await Promise.all(
      [2, 20, 37].map((top) => sharp(bytes).extract({ left: 10, top, width: 1, height: 1 }).raw().toBuffer()),
    );
    expect(red?.[0]).toBeGreaterThan(200);
    expect(blue?.[2]).toBeGreaterThan(200);
  });

  test('loses whatever was hidden behind it', async () => {
    const tail = '<script>alert(document.domain)</script>PK\u0003\u0004';
    const polyglot = Buffer.concat([await paint().png().toBuffer(), Buffer.from(tail)]);
    expect((await show(asDataUrl(polyglot, 'image/png'))).bytes.includes('script')).toBe(false);
  });

  test('comes after those before it', async () => {
    const id = await say(server.base, ann, 'three pictures');
    const widths = [10, 20, 30];
    for (const width of widths)
      await send(id, asDataUrl(await paint('teal', width, 10).png().toBuffer(), 'image/png'));
    const shown = await Promise.all((await mediaOf(id)).map(({ file }) => load(file)));
    const sizes = await Promise.all(shown.map(({ bytes }) => sharp(bytes).metadata()));
    expect(sizes.map(({ width }) => width)).toEqual(widths);
  });
});

describe('a refusal', () => {
  test('is 403 for a post of another and 404 for one that is not there, and keeps no file', async () => {
    const [id, picture] = [await say(server.base, ann, 'mine'), asDataUrl(await paint().png().toBuffer())];
    const before = await countFiles();
    expect(await send(id, picture, bob)).toMatchObject({ status: 403, json: { error: expect.any(String) } });
    await call(server.base, '/api/posts/post/add/comment/', {
      token: ann.access,
      body: { postID: id, commentContent: 'x' },
    });
    const [comment] = (await call(server.base, `/api/posts/post/${id}/`)).json.comments;
    for (const none of [999_999, String(999_999), comment.id])
      expect(await send(none, picture)).toMatchObject({ status: 404, json: { error: expect.any(String) } });
    expect(await mediaOf(id)).toEqual([]);
    expect(await countFiles()).toBe(before);
  });

  test('is 400 for what is no picture', async () => {
    const id = await say(server.base, ann, 'no picture');
    const png = await paint('teal', 200, 200).png().toBuffer();
    const html = Buffer.from('<!doctype html><script>alert(1)</script>');
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script/></svg>');
    const mp4 = Buffer.from('\0\0\0\u0018ftypisom\0\0\0\0isommp42', 'latin1');
    const files = [
      html,
      svg,
      mp4,
      Buffer.from('%PDF-1.7\n'),
      Buffer.from('GIF89a'),
      png.subarray(0, 60),
      Buffer.from('x'),
    ];
    const urls = files.map((bytes) => asDataUrl(bytes, 'image/png'));
    const base64 = png.toString('base64');
    const texts = [
      '',
      'data:',
      'data:image/png;base64,',
      base64,
      `data:image/png,${base64}`,
      `data:image/png;base64,${base64}!`,
    ];
    const addresses = ['http://localhost/x.png', 'file:///etc/passwd', '/media/default_profile_picture.png'];
    for (const url of [...urls, ...texts, ...addresses])
      expect((await send(id, url)).status, url.slice(0, 60)).toBe(400);
    expect(await mediaOf(id)).toEqual([]);
  });

  test('is 413 for one that is too large', async () => {
    const id = await say(server.base, ann, 'large');
    expect((await send(id, asDataUrl(Buffer.alloc(20 * 2 ** 20 + 1), 'image/png'))).status).toBe(413);
    expect((await send(id, asDataUrl(Buffer.alloc(70 * 2 ** 20), 'image/png'))).status).toBe(413);
  });

  test('is 409 for one too many, also when they come at once, and keeps no file', async () => {
    const [id, picture] = [await say(server.base, ann, 'full'), asDataUrl(await paint().png().toBuffer())];
    const before = await countFiles();
    const answers = await Promise.all(Array.from({ length: 8 }, () => send(id, picture)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(5);
    expect(await mediaOf(id)).toHaveLength(3);
    expect(await countFiles()).toBe(before + 3);
  });

  test('is 404 when the post is deleted meanwhile, and no file stays', async () => {
    const before = await countFiles();
    const picture = asDataUrl(await paint('teal', 1_500, 1_500).png().toBuffer());
    for (let round = 0; round < 3; round += 1) {
      const id = await say(server.base, ann, 'short-lived');
      const adding = send(id, picture);
      const [added] = await Promise.all([
        adding,
        call(server.base, `/api/posts/post/delete/${id}`, { token: ann.access }),
      ]);
      expect([200, 404]).toContain(added.status);
    }
    await server.app.worker.idle();
    expect(await countFiles()).toBe(before);
  });
});

async function countFiles(): Promise<number> {
  return (await readdir(joinPath(server.dataDir, 'media', 'pictures')).catch(() => [])).length;
}
