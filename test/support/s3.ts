// An S3 store of its own for a test: OpenStack Swift behind its S3 interface, which checks signatures, the sizes of parts
// and whatever else S3 asks for.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { S3mini } from 's3mini';
import type { S3Settings } from '../../src/platform/storage/settings.ts';
import { findTools } from './tools.ts';

export interface TestS3 extends AsyncDisposable {
  /** For an empty bucket, straight to the store. */
  readonly settings: S3Settings;
  /** The same, as the environment says it. */
  readonly environment: Record<string, string>;
  /** For another empty bucket. */
  makeBucket(): Promise<S3Settings>;
  /** Kills it; what it has answered for is still there after the next start. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
}

const ACCOUNT = { accessKeyId: 'site:node', secretAccessKey: 'a-secret-of-the-tests', region: 'us-east-1' };
const SERVE = fileURLToPath(new URL('s3/serve.py', import.meta.url));

export async function startS3(): Promise<TestS3> {
  const folder = await mkdtemp(join(tmpdir(), 'veranda-s3-'));
  let port = '0';
  let child: ChildProcess | undefined;
  let buckets = 0;

  async function start(): Promise<void> {
    const args = ['-B', SERVE, folder, port, ACCOUNT.accessKeyId, ACCOUNT.secretAccessKey];
    child = spawn(findTools().swift, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    port = await readPort(child);
  }
  async function kill(): Promise<void> {
    if (child?.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    child = undefined;
  }
  async function makeBucket(): Promise<S3Settings> {
    const endpoint = `http://127.0.0.1:${port}`;
    const bucket = `bucket-${(buckets += 1)}`;
    await new S3mini({ ...ACCOUNT, endpoint: `${endpoint}/${bucket}` }).createBucket();
    return {
      ...{ kind: 's3', endpoint, publicEndpoint: undefined, bucket, ...ACCOUNT },
      ...{ redirect: false, folder: join(folder, 'scratch') },
    };
  }

  await start();
  const settings = await makeBucket();
  return {
    settings,
    environment: {
      S3_ENDPOINT: settings.endpoint,
      S3_BUCKET: settings.bucket,
      S3_ACCESS_KEY_ID: settings.accessKeyId,
      S3_SECRET_ACCESS_KEY: settings.secretAccessKey,
    },
    ...{ makeBucket, kill, start },
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function readPort(child: ChildProcess): Promise<string> {
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error('Swift has no outputs');
  const lines: string[] = [];
  createInterface({ input: stderr }).on('line', (line) => lines.push(line));
  const ready = Promise.withResolvers<string>();
  createInterface({ input: stdout }).once('line', ready.resolve);
  child.once('error', ready.reject);
  child.once('exit', () => ready.reject(new Error(`Swift ended:\n${lines.join('\n')}`)));
  return ready.promise;
}
