// A start on S3 that cannot be says why in one line that names the setting, and never the secret.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Refusal, startBadNetwork } from '../support/bad-network.ts';
import { runVeranda } from '../support/commands.ts';
import { startS3, type TestS3 } from '../support/s3.ts';
import { spawnServer } from '../support/servers.ts';

const SECRET_KEY = '7c1f52e09ab34d8686f1c0d2e5b7a934';

let store: TestS3;
let dataDir: string;
beforeAll(async () => {
  store = await startS3();
  dataDir = await mkdtemp(join(tmpdir(), 'veranda-start-'));
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true });
});

const start = (changes: Record<string, string>) =>
  runVeranda(['serve'], {
    env: { DATA_DIR: dataDir, PORT: '0', SECRET_KEY, ...store.environment, ...changes },
  });

test('a start says which store it is on, without its secret', async () => {
  await using server = await spawnServer(store.environment);
  const report = server.lines.join('\n');
  expect(report).toContain(`storage       S3 (${store.settings.endpoint}, bucket ${store.settings.bucket})`);
  expect(report).not.toContain(store.settings.secretAccessKey);
});

/** The code, and the line on standard error. */
type End = [code: number, line: RegExp];

describe('a start that cannot be ends with 75 for what passes by itself, and else with 78', () => {
  test.each<[string, Record<string, string>, End]>([
    [
      'nobody listens',
      { S3_ENDPOINT: 'http://127.0.0.1:2' },
      [75, /^S3_ENDPOINT: .* does not answer \(ECONNREFUSED\)/],
    ],
    [
      'the name of the store does not resolve',
      { S3_ENDPOINT: 'http://nowhere.invalid' },
      [75, /^S3_ENDPOINT: .* does not answer \((ENOTFOUND|EAI_AGAIN)\)/],
    ],
    [
      'there is no such bucket',
      { S3_BUCKET: 'nothing' },
      [78, /^S3_BUCKET: there is no bucket nothing at http/],
    ],
    [
      'the secret is another one',
      { S3_SECRET_ACCESS_KEY: 'hunter2-hunter2' },
      [78, /^S3_SECRET_ACCESS_KEY: /],
    ],
    ['the region is another one', { S3_REGION: 'eu-west-9' }, [78, /^S3_REGION: /]],
  ])('when %s', async (_, changes, [expected, line]) => {
    const { code, out, err } = await start(changes);
    expect(err).toMatch(line);
    expect(err).toMatch(/^[^\n]+\n$/);
    expect(out + err).not.toMatch(/hunter2|a-secret-of-the-tests/);
    expect(code).toBe(expected);
  });

  test.each<[string, Refusal, End]>([
    [
      'the key may not write',
      { status: 403, code: 'AccessDenied' },
      [78, /^S3_ACCESS_KEY_ID: this key may not/],
    ],
    [
      'the key is unknown',
      { status: 403, code: 'InvalidAccessKeyId' },
      [78, /^S3_ACCESS_KEY_ID: .* know this key/],
    ],
    ['the clocks differ', { status: 403, code: 'RequestTimeTooSkewed' }, [75, /^S3_ENDPOINT: the clocks/]],
    ['the store fails', { status: 500, code: 'InternalError' }, [75, /^S3_ENDPOINT: .*\(500\)/]],
  ])('when %s', async (_, refusal, [expected, line]) => {
    await using network = await startBadNetwork(store.settings.endpoint);
    network.decide(({ method }) => (method === 'PUT' ? refusal : 'pass'));
    const { code, err } = await start({ S3_ENDPOINT: network.endpoint });
    expect(err).toMatch(line);
    expect(code).toBe(expected);
  });
});
