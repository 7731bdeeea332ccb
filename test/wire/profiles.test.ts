// Profiles and follows over the classic wire: exact shapes, what is private, counters under races, and files that go
// with the pictures they replace.
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, asDataUrl, call, join, type Person } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask, listBlobs, reserveUserIds } from '../support/site-data.ts';

const UPDATE = '/api/users/author/update/';
const KEYS = [
  'id',
  'username',
  'firstname',
  'lastname',
  'bio',
  'email',
  'profile_picture',
  'cover_image',
  'created_at',
  'user',
  'followers',
];
const PICTURE_PATH = /^\/media\/profile_pictures\/[0-9a-f]{32}\.(jpg|png)$/;

let site: TestServer;
let ann: Person;
let ben: Person;
beforeAll(async () => {
  // A user without a profile of the same number, so that the two kinds of ids differ.
  site = await startServer();
  await reserveUserIds(site.dataDir, 100);
  ann = await join(site.base, { username: 'ann.lee', email: 'annlee@example.org' });
  ben = await join(site.base, { first_name: 'Ben', last_name: 'Ode' });
});
afterAll(() => site[Symbol.asyncDispose]());

const get = (path: string, { access }: Person): Promise<Answer> => call(site.base, path, { token: access });
const own = async (person: Person) => (await get('/api/users/author/', person)).json;
const update = ({ access }: Person, body: unknown): Promise<Answer> =>
  call(site.base, UPDATE, { token: access, body });
const status = async (path: string): Promise<number> => (await fetch(site.base + path)).status;
const makePicture = async (background: string, [width, height]: [number, number]): Promise<string> =>
  asDataUrl(
    await sharp({ create: { width, height, channels: 3, background } })
      .png()
      .toBuffer(),
    'image/png',
  );

describe('a profile', () => {
  test("of one's own has everything", async () => {
    const answer = await get('/api/users/author/', ann);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(Object.keys(answer.json)).toEqual(KEYS);
    expect(answer.json).toEqual({
      id: ann.id,
      username: 'ann.lee',
      firstname: 'Ann',
      lastname: 'Lee',
      bio: '',
      email: 'annlee@example.org',
      profile_picture: '/media/default_profile_picture.png',
      cover_image: '/media/default_cover_image.png',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      user: 101,
      followers: [],
    });
  });

  test('carries the profile id; the token carries the account id', async () => {
    expect(ann.id).not.toBe(101);
    const [, payload = ''] = ann.access.split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ user_id: 101 });
  });

  test("of one's own is the same by its id", async () => {
    expect((await get(`/api/users/user/${ann.id}/`, ann)).json).toEqual(await own(ann));
  });

  test('of somebody else has the same keys, and neither e-mail nor account id', async () => {
    const seen = await get(`/api/users/user/${ben.id}/`, ann);
    expect(seen.status).toBe(200);
    expect(Object.keys(seen.json)).toEqual(KEYS);
    expect(seen.json).toMatchObject({ id: ben.id, firstname: 'Ben', lastname: 'Ode', email: '', user: 0 });
    expect(seen.text).not.toContain('@example.org');
  });

  test('has pictures that exist even when none was ever given', async () => {
    const { profile_picture: picture, cover_image: cover } = await own(ann);
    expect(await status(picture)).toBe(200);
    expect(await status(cover)).toBe(200);
  });

  test.each([
    '999999',
    '0',
    '-1',
    '0x1',
    '1.0',
    '01',
    '+1',
    '1abc',
    '18446744073709551616',
    '%00',
    '1%2F',
    'NaN',
  ])('with the id %s is not found', async (id) => {
    for (const path of [`/api/users/user/${id}/`, `/api/users/user/follower/add/${id}/`]) {
      const answer = await get(path, ann);
      expect([answer.status, answer.text], path).toEqual([404, '{"detail":"Not found."}']);
    }
  });

  test('without posts lists none; one that is unknown is not found', async () => {
    expect((await get(`/api/users/user/posts/${ben.id}/`, ann)).text).toBe('[]');
    expect((await get('/api/users/user/posts/999999/', ann)).status).toBe(404);
  });
});

describe('following', () => {
  const toggle = (who: Person, id: number): Promise<Answer> =>
    get(`/api/users/user/follower/add/${id}/`, who);
  const set = (method: 'PUT' | 'DELETE', who: Person, id: number): Promise<Answer> =>
    call(site.base, `/api/users/user/${id}/follow/`, { method, token: who.access });
  const counts = (): Promise<object[]> =>
    ask(
      site.dataDir,
      `select id from profiles
        where followers_count <> (select count(*) from follows where followed_id = profiles.id)
           or following_count <> (select count(*) from follows where follower_id = profiles.id)`,
    );

  test('by GET toggles and answers the followed profile with its new followers', async () => {
    const followed = await toggle(ann, ben.id);
    expect(followed.status).toBe(200);
    expect(followed.json).toMatchObject({ id: ben.id, email: '', user: 0, followers: [ann.id] });
    expect(Object.keys(followed.json)).toEqual(KEYS);
    expect((await own(ben)).followers).toEqual([ann.id]);
    expect((await own(ann)).followers).toEqual([]);
    expect((await toggle(ann, ben.id)).json.followers).toEqual([]);
  });

  test('by PUT and DELETE changes nothing the second time', async () => {
    for (const _ of [1, 2]) expect((await set('PUT', ann, ben.id)).json.followers).toEqual([ann.id]);
    for (const _ of [1, 2]) expect((await set('DELETE', ann, ben.id)).json.followers).toEqual([]);
    expect(await counts()).toEqual([]);
  });

  test('oneself is refused and not counted', async () => {
    const answers = [
      await toggle(ann, ann.id),
      await set('PUT', ann, ann.id),
      await set('DELETE', ann, ann.id),
    ];
    expect(answers.map((answer) => answer.status)).toEqual([400, 400, 400]);
    expect(answers[0]?.json).toEqual({ detail: 'You cannot follow yourself.' });
    expect(answers[1]?.json).toEqual({ error: 'You cannot follow yourself.' });
    expect((await own(ann)).followers).toEqual([]);
    expect(await counts()).toEqual([]);
  });

  test('is nothing that a HEAD or a preflight does', async () => {
    const path = `/api/users/user/follower/add/${ben.id}/`;
    const head = await call(site.base, path, { method: 'HEAD', token: ann.access });
    expect(head.status).toBe(405);
    expect(head.headers.get('allow')).toBe('GET, OPTIONS');
    await call(site.base, path, { method: 'OPTIONS', token: ann.access });
    expect((await own(ben)).followers).toEqual([]);
  });

  test('many times at once leaves one row at most, and counters that are true', async () => {
    const people = await Promise.all(Array.from({ length: 5 }, () => join(site.base)));
    const answers = await Promise.all(
      people.flatMap((person, index) => Array.from({ length: 10 + index }, () => toggle(person, ben.id))),
    );
    expect(answers.every((answer) => answer.status === 200)).toBe(true);
    // An odd number of toggles ends in following.
    const followers = people.filter((_, index) => index % 2 === 1).map((person) => person.id);
    expect(new Set((await own(ben)).followers)).toEqual(new Set(followers));
    expect(await counts()).toEqual([]);
  });

  test('is seen by the viewer at the front of a list that is cut', async () => {
    await toggle(ann, ben.id);
    await Promise.all([join(site.base), join(site.base)].map(async (person) => toggle(await person, ben.id)));
    expect((await get(`/api/users/user/${ben.id}/`, ann)).json.followers[0]).toBe(ann.id);
    await toggle(ann, ben.id);
  });
});

describe('a new picture', () => {
  test.each([
    ['profile_image', 'profile_picture', [400, 400]],
    ['cover_image', 'cover_image', [900, 700]],
  ] as const)('by %s has a path of its own; the old file goes at once', async (field, shown, size) => {
    const first = await update(ann, { userID: ann.id, [field]: await makePicture('navy', [900, 700]) });
    expect(first.status).toBe(200);
    expect(Object.keys(first.json)).toEqual(['message', 'user']);
    expect(first.json.message).toBe('Image Update suffcefull');
    await site.app.worker.idle();
    // But for what was made of the picture since.
    const { profile_picture_sources: _, cover_image_sources: __, ...rest } = await own(ann);
    expect(first.json.user).toMatchObject(rest);
    const old = first.json.user[shown];
    expect(old).toMatch(PICTURE_PATH);
    const bytes = Buffer.from(await (await fetch(site.base + old)).arrayBuffer());
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'jpeg', width: size[0], height: size[1] });

    const second = await update(ann, { userID: ann.id, [field]: await makePicture('navy', [900, 700]) });
    expect(second.json.user[shown]).toMatch(PICTURE_PATH);
    expect(second.json.user[shown]).not.toBe(old);
    await site.app.worker.idle();
    expect(await status(old)).toBe(404);
    expect(await status(second.json.user[shown])).toBe(200);
  });

  test('leaves the other one as it is', async () => {
    const before = await own(ann);
    const { user } = (await update(ann, { cover_image: await makePicture('teal', [20, 20]) })).json;
    expect(user.profile_picture).toBe(before.profile_picture);
    expect(user.cover_image).not.toBe(before.cover_image);
    await site.app.worker.idle();
    const after = await own(ann);
    const made = [...after.profile_picture_sources, ...after.cover_image_sources];
    const files: string[] = [after.profile_picture, after.cover_image, ...made.map(({ url }) => url)];
    expect(await listBlobs(site.dataDir)).toEqual(
      files.map((path) => path.replace('/media/', '')).toSorted(),
    );
  });

  test('may come with the id as text, or without any: the token says whose it is', async () => {
    for (const userID of [String(ann.id), undefined]) {
      expect((await update(ann, { userID, profile_image: await makePicture('red', [9, 9]) })).status).toBe(
        200,
      );
    }
  });

  test('changes nothing when there is none', async () => {
    await site.app.worker.idle();
    const before = await own(ann);
    for (const body of [{ userID: ann.id }, {}, { profile_image: '', cover_image: '' }]) {
      const answer = await update(ann, body);
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual({ message: 'Image Update suffcefull', user: before });
    }
  });

  test("for somebody else's profile is refused, and nothing is stored", async () => {
    await site.app.worker.idle();
    const before = await own(ben);
    const files = await listBlobs(site.dataDir);
    for (const userID of [ben.id, String(ben.id), 999_999]) {
      const change = { bio: 'taken over', profile_image: await makePicture('red', [9, 9]) };
      const answer = await update(ann, { userID, ...change });
      expect(answer.status).toBe(403);
      expect(answer.json).toEqual({ error: 'This profile belongs to someone else.' });
    }
    expect(await own(ben)).toEqual(before);
    expect(await listBlobs(site.dataDir)).toEqual(files);
  });

  test.each([
    ['no data URL', 'nonsense', 400],
    ['an address', 'http://127.0.0.1:1/x.png', 400],
    ['base64 that is none', 'data:image/png;base64,####', 400],
    ['a page', asDataUrl(Buffer.from('<script>alert(1)</script>'), 'text/html'), 400],
    ['a number', 5, 400],
  ])('that is %s is refused, and the old one stays', async (_, picture, code) => {
    const before = await own(ann);
    await site.app.worker.idle();
    const files = await listBlobs(site.dataDir);
    const good = await makePicture('lime', [9, 9]);
    for (const body of [{ profile_image: picture }, { profile_image: good, cover_image: picture }]) {
      const answer = await update(ann, body);
      expect(answer.status).toBe(code);
      expect(Object.keys(answer.json)).toEqual(['error']);
    }
    expect(await own(ann)).toEqual(before);
    expect(await listBlobs(site.dataDir)).toEqual(files);
  });
});

describe('words about oneself', () => {
  test('are changed and come back as they were typed', async () => {
    const bio = 'Ships & <b>knots</b> 👩🏽‍🚀 ‮abc‬ z̸͎a̷l̶g̵o';
    const answer = await update(ben, { bio, first_name: 'Benedikt', last_name: "O'Dé" });
    expect(answer.json.user).toMatchObject({ bio, firstname: 'Benedikt', lastname: "O'Dé" });
    expect((await get(`/api/users/user/${ben.id}/`, ann)).json).toMatchObject({ bio, firstname: 'Benedikt' });
    const names = { first_name: '👩🏽‍🚀 \u202Eabc\u202C', last_name: 'e\u0301 Z̸͎a̷l̶g̵o שלום' };
    expect((await update(ben, names)).json.user).toMatchObject({
      firstname: names.first_name,
      lastname: names.last_name,
    });
    await update(ben, { first_name: 'Benedikt', last_name: "O'Dé" });
    expect((await update(ben, { bio: '' })).json.user).toMatchObject({ bio: '', firstname: 'Benedikt' });
  });

  test.each([
    [{ bio: 'x'.repeat(501) }, { bio: ['Ensure this field has no more than 500 characters.'] }],
    [{ first_name: ' ' }, { non_field_errors: ['First name may not be blank.'] }],
    [
      { last_name: 'x'.repeat(151) },
      { non_field_errors: ['Last name may have no more than 150 characters.'] },
    ],
  ])('%j is refused', async (body, errors) => {
    const before = await own(ben);
    const answer = await update(ben, { bio: 'kept out', ...body });
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual(errors);
    expect(await own(ben)).toEqual(before);
  });
});
