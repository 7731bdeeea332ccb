// A start on PostgreSQL that cannot be says why in one line, and never the password.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/platform/database/open.ts';
import { runVeranda, spawnVeranda } from '../support/commands.ts';
import { lookAtPostgres } from '../support/engines.ts';
import { settingsOf, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { spawnServer } from '../support/servers.ts';
import { longestWait } from '../support/table-locks.ts';

let cluster: TestPostgres;
let dataDir: string;
beforeAll(async () => {
  cluster = await startPostgres();
  dataDir = await mkdtemp(join(tmpdir(), 'veranda-start-'));
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true });
});

const urlWith = (changes: Partial<URL>): string => Object.assign(new URL(cluster.url), changes).href;

test('a start says which server it is on, and which database, without its password', async () => {
  await using server = await spawnServer({ DATABASE_URL: urlWith({ password: 'hunter2' }) });
  const { host, pathname } = new URL(cluster.url);
  expect(server.lines.find((line) => line.includes('database '))).toMatch(
    new RegExp(`database {6}PostgreSQL [\\d.]+, ${host}${pathname}$`),
  );
  expect(server.lines.join('\n')).not.toContain('hunter2');
});

describe('a start that cannot be ends with 75 for what passes by itself, and else with 78', () => {
  test.each<[string, () => Record<string, string>, [code: number, reason: RegExp]]>([
    [
      'nobody listens',
      () => ({ DATABASE_URL: urlWith({ port: '1', password: 'hunter2' }) }),
      [75, /cannot be reached/],
    ],
    [
      'nobody knows its name',
      () => ({ DATABASE_URL: urlWith({ hostname: 'nowhere.invalid', password: 'hunter2' }) }),
      [75, /nowhere\.invalid:\d+\/postgres: it cannot be reached/],
    ],
    [
      'there is no such database',
      () => ({ DATABASE_URL: urlWith({ pathname: '/nothing' }) }),
      [78, /no such database/],
    ],
    ['the user is unknown', () => ({ DATABASE_URL: urlWith({ username: 'nobody' }) }), [78, /not let in/]],
    [
      'the server takes no writes',
      () => ({ DATABASE_URL: urlWith({ search: '?options=-c%20default_transaction_read_only=on' }) }),
      [75, /it is read only/],
    ],
    [
      'the server has no TLS and it is asked for',
      () => ({ DATABASE_URL: cluster.url, DATABASE_TLS: 'on' }),
      [78, /does not speak TLS/],
    ],
    [
      'the certificate authority is not there',
      () => ({ DATABASE_URL: cluster.url, DATABASE_TLS: 'verify', DATABASE_CA: '/nowhere.pem' }),
      [78, /DATABASE_CA/],
    ],
  ])('when %s', async (_, env, [expected, reason]) => {
    const { code, out, err } = await runVeranda(['serve'], {
      env: { DATA_DIR: dataDir, PORT: '0', ...env() },
    });
    expect(err).toMatch(/^DATABASE_(URL|CA): [^\n]+\n$/);
    expect(err).toMatch(reason);
    expect(err).not.toContain('hunter2');
    expect([code, out]).toEqual([expected, '']);
  });
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s ends a start that waits for the migration of another node, at once',
  async (signal) => {
    await using other = await openDatabase(settingsOf(cluster.url), (error) => {
      throw error;
    });
    await other.transaction(async (tx) => {
      await other.dialect.lock(tx, 'migrations');
      const env = { DATA_DIR: dataDir, PORT: '0', DATABASE_URL: cluster.url };
      const start = spawnVeranda(['serve'], { env });
      const ended = once(start, 'exit');
      await expect.poll(() => longestWait(other), { timeout: 15_000 }).toBeGreaterThan(0);
      start.kill(signal);
      expect(await ended).toEqual([0, null]);
    });
    await using server = await spawnServer({ DATABASE_URL: cluster.url });
    expect((await fetch(`${server.base}/ready`)).status).toBe(200);
  },
);

describe('TLS', () => {
  let secure: TestPostgres;
  beforeAll(async () => {
    secure = await startPostgres({ tls: true });
  });
  afterAll(() => secure[Symbol.asyncDispose]());

  test.each([
    ['with any certificate', () => ({ DATABASE_TLS: 'on' })],
    [
      'with one of an authority that is named',
      () => ({ DATABASE_TLS: 'verify', DATABASE_CA: join(secure.folder, 'server.crt') }),
    ],
  ])('is spoken %s', async (_, env) => {
    await using server = await spawnServer({ DATABASE_URL: secure.url, ...env() });
    const rows = await lookAtPostgres(secure.url, (ask) =>
      ask<{ ssl: boolean }>(
        `select ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'veranda'`,
      ),
    );
    expect(server.lines.length).toBeGreaterThan(0);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.every(({ ssl }) => ssl)).toBe(true);
  });

  test('with a certificate that nobody vouches for is refused', async () => {
    const env = { DATA_DIR: dataDir, PORT: '0', DATABASE_URL: `${secure.url}?sslmode=verify-full` };
    const { code, err } = await runVeranda(['serve'], { env });
    expect(err).toMatch(/^DATABASE_URL: [^\n]*its certificate is not to be trusted\n$/);
    expect(code).toBe(78);
  });
});
