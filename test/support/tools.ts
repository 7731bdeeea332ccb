// The programs and the film the tests need besides Node: nothing is skipped for want of them. As a set-up of the
// whole run it has them installed where it may (Debian, as root), and otherwise ends the run by naming each.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Ffmpeg, findFfmpeg } from '../../src/platform/ffmpeg/find.ts';

export interface Tools {
  ffmpeg: string;
  ffprobe: string;
  chromium: string;
  /** The server's own program; `initdb` lies beside it. */
  postgres: string;
  /** redis-server */
  redis: string;
  /** The Python that knows OpenStack Swift. */
  swift: string;
  /** People crossing a square, filmed by a real camera: 768x576, 10 frames a second, 79.5 s, no sound. */
  film: string;
}

interface Wanted {
  variable: string;
  names: readonly string[];
  hint: string;
  /** Arguments with which the right program ends well. */
  proof?: readonly string[];
}

const script = fileURLToPath(new URL('../../scripts/install-tools.sh', import.meta.url));

const wanted: Record<keyof Tools, Wanted> = {
  ffmpeg: { variable: 'FFMPEG_PATH', names: ['ffmpeg'], hint: 'ffmpeg 5 or newer' },
  ffprobe: { variable: 'FFPROBE_PATH', names: ['ffprobe'], hint: 'comes with ffmpeg' },
  chromium: {
    variable: 'CHROMIUM_PATH',
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    hint: 'Chromium or Chrome with H.264',
  },
  postgres: {
    variable: 'POSTGRES_PATH',
    names: [
      'postgres',
      ...[18, 17, 16, 15, 14].map((version) => `/usr/lib/postgresql/${version}/bin/postgres`),
    ],
    hint: 'PostgreSQL 14 or newer',
  },
  redis: { variable: 'REDIS_PATH', names: ['redis-server'], hint: 'redis-server 7 or newer' },
  swift: {
    variable: 'SWIFT_PYTHON_PATH',
    names: ['/usr/bin/python3', 'python3'],
    hint: 'a Python 3 with OpenStack Swift 2.30 or newer, the Debian package python3-swift',
    proof: ['-c', 'import swift.common.middleware.s3api, pyeclib, eventlet'],
  },
  film: {
    variable: 'TEST_FILM_PATH',
    names: ['/usr/share/doc/opencv-doc/examples/data/vtest.avi', '/usr/local/share/veranda-tests/vtest.avi'],
    hint: 'vtest.avi of the Debian package opencv-doc',
  },
};

/** Run once by vitest before any test; what it answers, after the last. */
export async function setup(): Promise<() => Promise<void>> {
  if (listMissing().length > 0 && canInstall()) {
    process.stdout.write('Tests: installing what is missing with scripts/install-tools.sh\n');
    spawnSync('bash', [script], { stdio: 'inherit' });
  }
  const missing = listMissing();
  if (missing.length > 0) throw new Error(describeMissing(missing));
  const found = await findFfmpeg({ search: process.env['PATH'] ?? '' });
  process.env['TEST_FFMPEG'] = JSON.stringify({ ...found, filters: [...(found?.filters ?? [])] });
  const folder = await mkdtemp(join(inMemory() ?? tmpdir(), 'veranda-tests-'));
  // PostgreSQL runs as somebody else.
  await chmod(folder, 0o755);
  process.env['TMPDIR'] = folder;
  process.env['TEST_VIDEOS'] = await mkdtemp(join(folder, 'made-'));
  return () => rm(folder, { recursive: true, force: true });
}

const MEMORY = '/dev/shm';
/** Bytes, and far more than a run was seen to have at a time: half a GiB. */
const PLENTY = 6 * 2 ** 30;

/** Where nothing waits for a disk: each acknowledged write would. Undefined where memory is not plenty, or somebody chose a place. */
function inMemory(): string | undefined {
  if (process.env['TMPDIR'] !== undefined) return undefined;
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    const isPlenty = Math.min(bavail * bsize, process.availableMemory()) >= PLENTY;
    return isPlenty && mayExecute(MEMORY) ? MEMORY : undefined;
  } catch {
    return undefined;
  }
}

/** Tests write programs and run them. */
function mayExecute(folder: string): boolean {
  const program = join(folder, `veranda-${process.pid}`);
  try {
    writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 });
    return spawnSync(program).status === 0;
  } finally {
    rmSync(program, { force: true });
  }
}

/** What a server finds on this PATH: asked once in a run of tests, and unknown outside of one. */
export function knownFfmpeg(): Ffmpeg | undefined {
  const text = process.env['TEST_FFMPEG'];
  if (text === undefined) return undefined;
  const known = JSON.parse(text) as Omit<Ffmpeg, 'filters'> & { filters: string[] };
  return { ...known, filters: new Set(known.filters) };
}

/** Absolute paths of all of them; throws, naming what is missing, when the set-up did not run. */
export function findTools(): Tools {
  const missing = listMissing();
  if (missing.length > 0) throw new Error(describeMissing(missing));
  const pathOf = (tool: keyof Tools): string => find(tool) ?? '';
  return {
    ffmpeg: pathOf('ffmpeg'),
    ffprobe: pathOf('ffprobe'),
    chromium: pathOf('chromium'),
    postgres: pathOf('postgres'),
    redis: pathOf('redis'),
    swift: pathOf('swift'),
    film: pathOf('film'),
  };
}

function listMissing(): (keyof Tools)[] {
  return (Object.keys(wanted) as (keyof Tools)[]).filter((tool) => find(tool) === undefined);
}

function find(tool: keyof Tools): string | undefined {
  const { variable, names, proof } = wanted[tool];
  const given = process.env[variable];
  const candidates = given === undefined ? names : [given];
  return candidates
    .flatMap(placesOf)
    .find((path) => isUsable(path, tool === 'film') && (!proof || proves(path, proof)));
}

function placesOf(name: string): string[] {
  if (name.includes('/')) return [name];
  return (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name));
}

function isUsable(path: string, isFile: boolean): boolean {
  try {
    accessSync(path, isFile ? constants.R_OK : constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const proven = new Map<string, boolean>();
/** Asked once in a process. */
function proves(path: string, proof: readonly string[]): boolean {
  const known = proven.get(path);
  if (known) return known;
  const isRight = spawnSync(path, proof, { stdio: 'ignore' }).status === 0;
  proven.set(path, isRight);
  return isRight;
}

function canInstall(): boolean {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get');
}

function describeMissing(missing: readonly (keyof Tools)[]): string {
  const lines = missing.map((tool) => `  ${tool}: ${wanted[tool].hint}; or set ${wanted[tool].variable}`);
  return [
    'The tests need programs that are not here:',
    ...lines,
    'On Debian, `sudo scripts/install-tools.sh` installs them all.',
  ].join('\n');
}
