// What a client may ask before it speaks to a site: its facts, and the description of its API.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rows } from '../access/table.ts';
import { call } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';

let site: TestServer;
beforeAll(async () => {
  site = await startServer({ RESUMABLE_UPLOADS_DRAFT: 'on' });
});
afterAll(() => site[Symbol.asyncDispose]());

test('tells what may be posted, as the settings say', async () => {
  const { status, json } = await call(site.base, '/api/site/');
  expect(status).toBe(200);
  expect(json).toEqual({
    ...{ software: 'veranda', version: '0.1.0', name: 'Veranda', contact: '', sign_up: 'open' },
    limits: {
      ...{ post_characters: 10_000, comment_characters: 5_000, media_per_post: 20 },
      ...{ picture_bytes: 20 * 2 ** 20, video_bytes: 4 * 2 ** 30, video_seconds: 14_400 },
      ...{ chunk_bytes: 8 * 2 ** 20, upload_seconds: 604_800 },
    },
    uploads: ['tus', 'parts', 'form', 'chunks', 'draft'],
    video_sizes: [240, 360, 480, 720, 1080],
    picture_formats: ['webp'],
  });
  const named = { SITE_NAME: 'Our Street 🏡', SITE_CONTACT: 'Kim, kim@example.org' };
  const strict = { ...named, SIGN_UP: 'closed', MAX_POST_CHARACTERS: '500', MAX_VIDEO_DURATION: '90s' };
  await using other = await startServer(strict);
  expect((await call(other.base, '/api/site')).json).toMatchObject({
    ...{ name: 'Our Street 🏡', contact: 'Kim, kim@example.org', sign_up: 'closed' },
    limits: { post_characters: 500, video_seconds: 90 },
    uploads: ['tus', 'parts', 'form', 'chunks'],
  });
});

test('the description has every route of the API, and every reference in it leads somewhere', async () => {
  const { status, headers, json, text } = await call(site.base, '/api/openapi.json');
  expect([status, headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
  expect(json).toMatchObject({ openapi: '3.1.0', info: { version: '0.1.0' } });
  const described = Object.entries(json.paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const spellings = (path: string): string => path.replace(/\/$/, '').replaceAll(/:(\w+)/g, '{$1}');
  const mounted = rows
    .filter(({ method, path }) => path.startsWith('/api/') && method !== 'OPTIONS')
    .map(({ method, path }) => `${method} ${spellings(path)}`)
    .filter(
      (route) => !/^HEAD \/api\/(?:site|openapi\.json)$/.test(route) && !route.endsWith('openapi.json'),
    );
  expect(new Set(described.map((route) => route.replace(/\/$/, '')))).toEqual(new Set(mounted));
  const targets = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
  expect(new Set(targets)).toEqual(
    new Set([...['Post', 'Profile', 'Media', 'Captions', 'Tokens', 'Sentence'], ...['Upload', 'Refusal']]),
  );
  expect(new Set(Object.keys(json.components.schemas))).toEqual(new Set(targets));
});

test('the description says what a request has and what an answer is', async () => {
  const { paths, components } = (await call(site.base, '/api/openapi.json')).json;
  const signIn = paths['/api/users/user/token/'].post;
  expect(signIn.security).toEqual([]);
  for (const type of ['application/json', 'multipart/form-data'])
    expect(signIn.requestBody.content[type].schema).toMatchObject({ required: ['username', 'password'] });
  expect(paths['/api/posts/'].get).toMatchObject({
    parameters: [{ name: 'per_page' }, { name: 'before' }, { name: 'page' }],
    responses: {
      200: {
        content: {
          'application/json': { schema: { type: 'array', items: { $ref: '#/components/schemas/Post' } } },
        },
      },
    },
  });
  expect(paths['/api/posts/post/{id}/like/'].put.parameters).toEqual([
    { name: 'id', in: 'path', required: true, schema: { type: 'string', pattern: expect.any(String) } },
  ]);
  expect(components.schemas.Post.properties).toMatchObject({
    auhtor: { $ref: '#/components/schemas/Profile' },
    media_files: { items: { $ref: '#/components/schemas/Media' } },
  });
  expect(components.schemas.Post.required).toContain('description');
  const facts = paths['/api/site/'].get.responses[200].content['application/json'].schema;
  expect(facts.properties.sign_up).toMatchObject({ enum: ['open', 'closed'] });
});
