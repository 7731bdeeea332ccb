// What npm brings along: whole, under known licences, and running next to nothing of its own while it is installed.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

interface Locked {
  version: string;
  integrity?: string;
  resolved?: string;
  license?: string;
  dev?: boolean;
  hasInstallScript?: boolean;
  gypfile?: boolean;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const read = <T>(path: string): T => JSON.parse(readFileSync(join(root, path), 'utf8')) as T;
const { '': _, ...locked } = read<{ packages: Record<string, Locked> }>('package-lock.json').packages;
const packages = Object.entries(locked).map(([path, entry]) => ({ path, name: nameOf(path), ...entry }));

/** `node_modules/a/node_modules/@b/c` is `@b/c`. */
function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

test('every package is held to its bytes, and to no registry', () => {
  expect(packages.filter(({ integrity }) => !integrity?.startsWith('sha512-'))).toEqual([]);
  expect(packages.filter(({ resolved }) => resolved !== undefined)).toEqual([]);
});

test('only ffmpeg and ffprobe run a script when they are installed, which marks their program as one', () => {
  const { allowScripts } = read<{ allowScripts: Record<string, boolean> }>('package.json');
  const scripted = new Set(packages.filter((one) => one.hasInstallScript).map(({ name }) => name));
  const foreign = /^@ff(?:mpeg|probe)-installer\/(?!linux-x64)/;
  expect([...scripted].filter((name) => !foreign.test(name)).toSorted()).toEqual(
    Object.keys(allowScripts).toSorted(),
  );

  const run = Object.keys(allowScripts).filter((name) => allowScripts[name]);
  const scripts = run.map((name) => read<{ scripts: object }>(`node_modules/${name}/package.json`).scripts);
  expect(scripts).toEqual([
    expect.objectContaining({ postinstall: 'chmod u+x ffmpeg' }),
    expect.objectContaining({ postinstall: 'chmod u+x ffprobe' }),
  ]);
});

test('packages that bring their binaries are not compiled', () => {
  // npm forgets this word whenever a package is added; `node scripts/mark-prebuilt.js` puts it back.
  const prebuilt = packages.filter(({ path }) => {
    const description = `${path}/package.json`;
    return existsSync(join(root, description)) && read<Locked>(description).gypfile === false;
  });
  expect(prebuilt.map(({ name }) => name)).toContain('better-sqlite3');
  expect(prebuilt.filter(({ gypfile }) => gypfile !== false)).toEqual([]);
});

test('what the site runs on is under licences that let it', () => {
  const free = ['MIT', 'ISC', '0BSD', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0'];
  // Programs of their own and a library linked at run time, none of it changed.
  const apart = /^@(?:ffmpeg-installer|ffprobe-installer|img)\//;
  const others = packages.filter(({ dev, license }) => !dev && !free.includes(license ?? ''));
  expect(others.filter(({ name }) => !apart.test(name))).toEqual([]);
});

test('npm writes a bill of materials that names every package', () => {
  // With `--omit dev` it would leave out what both the site and its tests need (npm/cli issue 7909).
  const options = ['--sbom-format', 'cyclonedx', '--package-lock-only'];
  const output = execFileSync('npm', ['sbom', ...options], { cwd: root, encoding: 'utf8', stdio: 'pipe' });
  const bill = JSON.parse(output) as { components: { purl: string; hashes: unknown[] }[] };
  const named = new Set(bill.components.map(({ purl }) => decodeURIComponent(purl)));
  const all = packages.map(({ name, version }) => `pkg:npm/${name}@${version}`);
  expect(all.filter((purl) => !named.has(purl))).toEqual([]);
  expect(bill.components.filter(({ hashes }) => hashes.length === 0)).toEqual([]);
});
