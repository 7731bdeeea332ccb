// Every route by every viewer, as test/access/table.ts declares it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, call } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { requestFor } from './requests.ts';
import { generalise, MODERATED, rows, type Row, type Viewer, VIEWERS } from './table.ts';
import { invite, makeWorld, type People, readAll, readOwn, type World } from './world.ts';

const mounted = new Set<string>();
const declared = new Set(rows.map(({ method, path }) => `${method} ${path}`));
let server: TestServer;
let people: People;

beforeAll(async () => {
  server = await startServer(
    {},
    {
      onRoute: ({ method, url }) =>
        [method].flat().forEach((one) => mounted.add(`${one} ${generalise(url)}`)),
    },
  );
  people = await invite(server);
});
afterAll(() => server[Symbol.asyncDispose]());

async function send(
  row: Pick<Row, 'method' | 'path' | 'variant'>,
  viewer: Viewer,
  world: World,
): Promise<Answer> {
  const { path, ...rest } = requestFor(row, viewer, world);
  return call(server.base, path, { method: row.method, ...rest });
}

test('every route of the table is there', () => {
  expect([...declared].filter((route) => !mounted.has(route))).toEqual([]);
});

test('every route that is not in the table answers 405 to everybody', async () => {
  const world = await makeWorld(server, people);
  const others = [...mounted].filter((route) => !declared.has(route));
  expect(others.length).toBeGreaterThan(0);
  await server.app.worker.idle();
  const before = await readAll(server.dataDir);
  for (const route of others) {
    const [method = '', path = ''] = route.split(' ');
    for (const viewer of VIEWERS)
      expect((await send({ method, path, variant: '' }, viewer, world)).status, `${route} by ${viewer}`).toBe(
        405,
      );
  }
  expect(await readAll(server.dataDir)).toBe(before);
});

describe.each(rows)('$method $path $variant', (row) => {
  test('answers everybody as declared, changes nothing where it refuses, and nothing of the owner for others', async () => {
    const world = await makeWorld(server, people);
    const got: Partial<Record<Viewer, number>> = {};
    for (const viewer of VIEWERS) {
      await server.app.worker.idle();
      await server.app.worker.idle();
      const [all, own] = [await readAll(server.dataDir), await readOwn(server.dataDir, people.owner.id)];
      const { status } = await send(row, viewer, world);
      got[viewer] = status;
      if (status >= 400) expect(await readAll(server.dataDir), `${viewer} was refused`).toBe(all);
      const moderates = viewer === 'admin' && MODERATED.has(`${row.method} ${row.path}`);
      if (viewer !== 'owner' && !moderates)
        expect(await readOwn(server.dataDir, people.owner.id), viewer).toEqual(own);
    }
    expect(got).toEqual(row.expected);
  });
});
