// Ten thousand requests made from the routes' own schemas. GENERATED_RUNS and GENERATED_SEED ask for more and others.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PICTURE } from '../access/pictures.ts';
import { asDataUrl, call, join, type Person, say, sendChunk } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { toInjection } from './injections.ts';
import { type GeneratedRequest, type Planted, readRoute, requestTo, type Route } from './requests.ts';
import { expectSound, INTERNALS } from './verdicts.ts';

const runs = Number(process.env['GENERATED_RUNS'] ?? 10_000);
const seed = Number(process.env['GENERATED_SEED'] ?? 2_026);
const routes: Route[] = [];
// Requests that are injected have no connection that could be cut when a body stands still.
const server = await startServer(
  { BODY_TIMEOUT: '1h' },
  { onRoute: (route) => routes.push(...readRoute(route)) },
);
/** Their bodies are bytes and their words are headers: see uploads.test.ts. */
const isUpload = ({ url }: Route): boolean => url.startsWith('/api/uploads');
/** The description of all the others. */
const isText = ({ url }: Route): boolean => url === '/api/openapi.json';
const has = Object.groupBy(
  routes.filter((route) => route.url.startsWith('/api/') && !isUpload(route) && !isText(route)),
  (route) => (isDeclared(route) ? 'declared' : 'refused'),
);
const declared = has.declared ?? [];
/** Every one of these costs a password hash. */
const isSlow = ({ url }: Route): boolean => /register|token\/$|password|user\/delete/.test(url);
const share = Math.ceil(runs / declared.filter((route) => !isSlow(route)).length);
let ann: Person;
let bob: Person;
let sent = 0;
/** Routes that took one at least. */
const accepted = new Set<string>();

beforeAll(async () => {
  ann = await join(server.base);
  bob = await join(server.base);
});
afterAll(() => server[Symbol.asyncDispose]());

function isDeclared(route: Route): boolean {
  const described =
    route.params ?? route.query ?? route.body ?? route.form ?? Object.values(route.responses)[0];
  return described !== undefined;
}

/** Ids of a fresh thread, of somebody else, of an upload; and what else a body may hold that is right. */
async function plant({ base }: TestServer): Promise<Planted> {
  const token = ann.access;
  const read = async () => (await call(base, `/api/posts/post/${postID}/`)).json.comments[0];
  const postID = await say(base, ann, 'planted');
  await call(base, '/api/posts/post/add/comment/', { token, body: { postID, commentContent: 'one' } });
  const { id: commentID } = await read();
  await call(base, '/api/posts/post/add/reply/', { token, body: { commentID, commentContent: 'two' } });
  const [reply] = (await read()).replyes;
  const upload = await sendChunk(base, ann, { filename: `${postID}.mp4`, bytes: MP4_HEAD });
  return {
    ids: [postID, commentID, reply.id, upload.json.id, ann.id, bob.id],
    texts: {
      username: fc.oneof(fc.constant(bob.username), fc.stringMatching(/^[a-z]{12}$/)),
      password: fc.constant(bob.password),
      new_password: fc.stringMatching(/^[a-z]{14}$/),
      email: fc.uuid().map((id) => `${id}@example.org`),
      refresh: fc.constant(bob.refresh),
      imageBase64: file,
      profile_image: file,
      cover_image: file,
      chunk: file,
    },
  };
}

/** Begins as every MP4 does, and says nothing. */
const MP4_HEAD = Buffer.from('000000206674797069736f6d0000020069736f6d69736f32617663316d703431', 'hex');
const file = fc.oneof(
  fc.constant(PICTURE),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => asDataUrl(bytes)),
);

const NOTHING: Route = {
  ...{ method: 'GET', url: '', public: true, responses: {} },
  ...{ params: undefined, query: undefined, body: undefined, form: undefined },
};

async function send(route: Route, request: GeneratedRequest) {
  sent += 1;
  const tokens = { good: ann.access, none: undefined, bad: `${ann.access}x` };
  const answer = await server.app.server.inject(await toInjection(route, request, tokens[request.token]));
  // Whoever has another password, or no account any more, is somebody new.
  if (/\/user\/(?:password|delete)\/$/.test(route.url) && answer.statusCode < 300)
    ann = await join(server.base);
  return answer;
}

describe(`generated with seed ${seed}`, () => {
  test.each(declared)('$method $url answers as its schemas say', async (route) => {
    const request = requestTo(route, await plant(server));
    const property = fc.asyncProperty(request, async (one) => {
      const answer = await send(route, one);
      expectSound(route, one, answer);
      if (answer.statusCode < 300) accepted.add(`${route.method} ${route.url}`);
    });
    await fc.assert(property, { seed, numRuns: isSlow(route) ? Math.ceil(share / 3) : share });
  });

  test('methods that a path does not have are 405, whatever comes with them', async () => {
    const refused = has.refused ?? [];
    expect(refused.length).toBeGreaterThan(100);
    const planted = await plant(server);
    const request = fc.constantFrom(...refused).chain((route) =>
      requestTo(route, planted).map((one) => ({
        route,
        one: { ...one, id: String(planted.ids[0]) },
      })),
    );
    const property = fc.asyncProperty(request, async ({ route, one }) => {
      const { statusCode } = await send(route, one);
      // A body that cannot be read is told so first.
      expect([405, ...(one.body ? [400, 413, 415] : [])]).toContain(statusCode);
    });
    await fc.assert(property, { seed, numRuns: share * 3 });
  });

  test('addresses that are no API answer files, pages or 4xx, and nothing of the inside', async () => {
    const others = routes.filter(({ url }) => !url.startsWith('/api/') && url !== '*');
    const request = fc.tuple(
      fc.constantFrom(...others),
      fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'),
      requestTo({ ...NOTHING, method: 'POST' }, { ids: [1], texts: {} }),
    );
    const property = fc.asyncProperty(request, async ([{ url }, method, one]) => {
      const path = url.replace('*', one.id).replace(':id', one.id);
      const answer = await send({ ...NOTHING, method, url: path }, one);
      expect(answer.statusCode).toBeLessThan(500);
      if (answer.statusCode >= 400) expect(answer.body).not.toMatch(INTERNALS);
    });
    await fc.assert(property, { seed, numRuns: share * 3 });
  });

  test('were as many as were asked for, and the server still answers', async () => {
    expect(sent).toBeGreaterThanOrEqual(runs);
    const names = declared.map(({ method, url }) => `${method} ${url}`);
    // Signing out needs the very token that goes with the session, and these a picture or a video on a post.
    const ofMedia = /\/video\/(?:retry|captions)\/|\/media\/:id\//;
    const never = names.filter((name) => !accepted.has(name) && !ofMedia.test(name));
    expect(never).toEqual(['POST /api/users/user/logout/']);
    expect((await call(server.base, '/api/users/author/', { token: ann.access })).status).toBe(200);
  });
});
