#!/usr/bin/env node
// The way in, in plain JavaScript that any Node since 18 can read: it makes sure that a Node able to run the
// TypeScript sources (and the native SQLite driver) does the work, before anything of ours is imported.
// On an older Node it hands over to the one npm installed beside us; signals and the exit pass through.

import { spawn } from 'node:child_process';
import * as modules from 'node:module';
import { fileURLToPath } from 'node:url';

const NEEDED = 'Node 22.18+ or 24.3+';
const HANDED_OVER = 'VERANDA_HANDED_OVER';
/** MiB; Node's own 32 are soon filled with what is garbage, and cost 70 MiB of memory without a gain (docs/performance.md). */
const YOUNG_HEAP = '--max-semi-space-size=4';
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'];

if (canRunSources(process.versions.node)) {
  stopWithParent();
  // From the second start on, sources are neither stripped nor compiled again; a folder that cannot be written is no fault.
  modules.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/veranda', import.meta.url)));
  const { main } = await import('../src/cli.ts');
  process.exitCode = await main(process.argv.slice(2));
} else {
  handOver();
}

/** From these versions on, types are stripped without a flag and without a warning. */
function canRunSources(version) {
  const [major, minor] = version.split('.').map(Number);
  if (major === 22) return minor >= 18;
  if (major === 24) return minor >= 3;
  return major > 24;
}

function handOver() {
  const node = process.env[HANDED_OVER] === undefined ? findPinnedNode() : undefined;
  if (node === undefined) refuse('install one, or run `npm ci` here to get it');
  const args = [YOUNG_HEAP, ...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const child = spawn(node, args, {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [HANDED_OVER]: '1' },
  });
  child.on('error', (error) => {
    refuse(`and ${node} does not start (${error.message})`);
  });
  for (const signal of SIGNALS) process.on(signal, () => forward(signal, child));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    for (const name of SIGNALS) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
}

/** A terminal sends these to the whole group, so the child has them already; twice would mean "at once". */
function forward(signal, child) {
  if (signal !== 'SIGTERM' && process.stdin.isTTY) return;
  child.kill(signal);
}

function findPinnedNode() {
  const { resolve } = modules.createRequire(import.meta.url);
  const program = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node';
  const platform = `${process.platform}-${process.arch}`;
  for (const name of [`node-${platform}`, `node-bin-${platform}`]) {
    try {
      return resolve(`${name}/${program}`);
    } catch {
      // Not installed for this platform.
    }
  }
  return undefined;
}

/** Killed outright, the parent forwards nothing; the closed channel tells us instead. */
function stopWithParent() {
  const handedOver = process.env[HANDED_OVER] !== undefined;
  delete process.env[HANDED_OVER];
  if (!handedOver || process.channel === undefined) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel.unref();
}

function refuse(reason) {
  process.stderr.write(`Veranda needs ${NEEDED}, this is ${process.versions.node}: ${reason}.\n`);
  process.exit(1);
}
