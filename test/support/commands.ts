// Runs the program with a verb, as an operator does, to its end.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { databaseSettings } from './engines.ts';

export interface Finished {
  code: number | null;
  out: string;
  err: string;
}

const ENTRY = fileURLToPath(new URL('../../bin/veranda.js', import.meta.url));

/** Its environment is `env` and PATH alone, its folder one without a `.env`. `within`: a program that runs another one. */
export async function runVeranda(
  args: readonly string[],
  { env, input = '', within = [] }: { env: Record<string, string>; input?: string; within?: string[] },
): Promise<Finished> {
  const [program = '', ...rest] = [...within, process.execPath, ENTRY, ...args];
  const child = spawn(program, rest, {
    cwd: tmpdir(),
    env: {
      PATH: process.env['PATH'],
      ...(env['DATA_DIR'] && (await databaseSettings(env['DATA_DIR']))),
      ...env,
    },
    stdio: 'pipe',
  });
  child.stdin.on('error', () => undefined).end(input);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, out, err };
}

/** The same, to be watched or killed. */
export const spawnVeranda = (
  args: readonly string[],
  { env }: { env: Record<string, string> },
): ChildProcess =>
  spawn(process.execPath, [ENTRY, ...args], {
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'], ...env },
    stdio: 'ignore',
  });
