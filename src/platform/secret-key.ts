// The key that signs tokens when none is set: made once and kept where only this user reads it.
import { randomBytes, randomUUID } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** The kept file holds something else than a key. */
export class BrokenSecretKey extends Error {
  override readonly name = 'BrokenSecretKey';
}

/**
 * The kept key; it is the same at every later start. Throws BrokenSecretKey when the file holds no whole key, since
 * one made afresh would sign everybody out without a word.
 */
export async function keepSecretKey(dataDir: string): Promise<string> {
  const path = join(dataDir, 'secret-key');
  const key = (await read(path)) ?? (await make(path));
  if (/^[0-9a-f]{64}$/.test(key)) return key;
  throw new BrokenSecretKey(
    `${path} does not hold a whole key; put it back, or remove the file to sign everybody out`,
  );
}

async function read(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Written beside its place and linked to it when it is whole: a crash leaves no half key, and of two starts one wins. */
async function make(path: string): Promise<string> {
  const partial = `${path}.${randomUUID()}`;
  try {
    {
      await using file = await open(partial, 'wx', 0o600);
      await file.writeFile(randomBytes(32).toString('hex'));
      await file.sync();
    }
    await link(partial, path).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error;
    });
  } finally {
    await rm(partial, { force: true });
  }
  return (await readFile(path, 'utf8')).trim();
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
