// The picture that comes with a sign-up: what of it is kept, and that nothing is where it is refused.
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, asDataUrl, call, form, makeAccount } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { listBlobs } from '../support/site-data.ts';

const REGISTER = '/api/users/user/register/';

let site: TestServer;
beforeAll(async () => {
  site = await startServer();
});
afterAll(() => site[Symbol.asyncDispose]());

const signUp = (fields: Record<string, unknown>): Promise<Answer> =>
  call(site.base, REGISTER, { body: fields });
const signIn = (username: unknown, password: unknown): Promise<Answer> =>
  call(site.base, '/api/users/user/token/', { body: { username, password } });

test('a picture is encoded afresh, small, without its metadata, under a name that is ours', async () => {
  const exif = {
    IFD0: { Artist: 'secret artist' },
    IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '52/1 31/1 0/1' },
  };
  const sent = await sharp({ create: { width: 840, height: 680, channels: 3, background: '#2266aa' } })
    .withExif(exif)
    .jpeg()
    .toBuffer();
  const fields = makeAccount({ username: 'pictured', profile_image: asDataUrl(sent, 'image/svg+xml') });
  expect((await call(site.base, REGISTER, { body: form(fields) })).status).toBe(201);

  const { access } = (await signIn('pictured', fields['password'])).json;
  const own = await call(site.base, '/api/users/author/', { token: access });
  expect(own.json.profile_picture).toMatch(/^\/media\/profile_pictures\/[0-9a-f]{32}\.jpg$/);
  const served = await fetch(site.base + own.json.profile_picture);
  expect(served.headers.get('content-type')).toBe('image/jpeg');
  const bytes = Buffer.from(await served.arrayBuffer());
  expect(await sharp(bytes).metadata()).toMatchObject({ format: 'jpeg', width: 400, height: 400 });
  expect((await sharp(bytes).metadata()).exif).toBeUndefined();
  expect(bytes.includes('secret artist')).toBe(false);
});

test('a picture may also come as a file of the form', async () => {
  const png = await sharp({ create: { width: 8, height: 8, channels: 4, background: '#0000' } })
    .png()
    .toBuffer();
  const { profile_image: _, ...fields } = makeAccount();
  const made = await call(site.base, REGISTER, {
    body: form({ ...fields, profile_image: new Blob([png]) }),
  });
  expect(made.status).toBe(201);
  const { access } = (await signIn(fields['username'], fields['password'])).json;
  const own = await call(site.base, '/api/users/author/', { token: access });
  expect(own.json.profile_picture).toMatch(/\.png$/);
});

test.each([
  ['a page', '<!doctype html><script>alert(1)</script>'],
  ['a drawing with a script', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'],
  ['nothing that is known', '\u0001\u0002\u0003'],
  ['the beginning of a picture', '\u0089PNG\r\n\u001A\n'],
])('everything is refused when the picture is %s', async (_, content) => {
  await site.app.worker.idle();
  const files = await listBlobs(site.dataDir);
  const fields = makeAccount({ profile_image: asDataUrl(Buffer.from(content, 'latin1'), 'image/png') });
  const refused = await call(site.base, REGISTER, { body: form(fields) });
  expect(refused.status).toBe(400);
  expect(Object.keys(refused.json)).toEqual(['profile_image']);
  expect((await signIn(fields['username'], fields['password'])).status).toBe(401);
  expect(await listBlobs(site.dataDir)).toEqual(files);
  // The name and the address are free again.
  expect((await signUp({ ...fields, profile_image: '' })).status).toBe(201);
});

test('no file is left behind when the name is taken', async () => {
  const fields = makeAccount();
  await signUp(fields);
  await site.app.worker.idle();
  const files = await listBlobs(site.dataDir);
  const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  expect((await signUp({ ...fields, profile_image: asDataUrl(png) })).status).toBe(400);
  expect(await listBlobs(site.dataDir)).toEqual(files);
});
