// Proves that the import rules of .dependency-cruiser.cjs bite: one small tree breaks each of them once, and the
// sources themselves break none. A rule without a violation here fails the test, so none can go dead unseen.

import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

interface Cruise {
  summary: {
    violations: { from: string; to: string; rule: { name: string } }[];
    totalCruised: number;
  };
}

const repository = fileURLToPath(new URL('..', import.meta.url));
const config = join(repository, '.dependency-cruiser.cjs');
const { forbidden } = createRequire(import.meta.url)(config) as { forbidden: { name: string }[] };

/** Where each rule is broken: importing file, what it writes, and what it must not have reached. */
const violations: Record<string, [from: string, line: string, to: string]> = {
  'platform-knows-nobody': [
    'src/platform/clock.ts',
    `import '../features/users/index.ts'`,
    'src/features/users/index.ts',
  ],
  'features-know-no-transport': [
    'src/features/media/a.ts',
    `import type {} from '../../api/viewer.ts'`,
    'src/api/viewer.ts',
  ],
  'api-knows-no-root': ['src/api/admin/a.ts', `import '../../app.ts'`, 'src/app.ts'],
  'doors-are-siblings': [
    'src/api/classic/a.ts',
    `import type {} from '../mastodon/door.ts'`,
    'src/api/mastodon/door.ts',
  ],
  'only-the-root-mounts-doors': [
    'src/api/viewer.ts',
    `import './classic/door.ts'`,
    'src/api/classic/door.ts',
  ],
  'config-stays-at-the-root': [
    'src/features/users/b.ts',
    `import type {} from '../../config.ts'`,
    'src/config.ts',
  ],
  'ports-take-config-as-a-type': ['src/platform/jobs/open.ts', `import '../../config.ts'`, 'src/config.ts'],
  'adapters-behind-their-port': [
    'src/features/media/b.ts',
    `export const open = () => import('../../platform/storage/local.ts')`,
    'src/platform/storage/local.ts',
  ],
  'features-meet-at-index': [
    'src/features/timelines/a.ts',
    `import '../posts/likes.ts'`,
    'src/features/posts/likes.ts',
  ],
  'others-use-a-feature-by-its-index': [
    'src/api/classic/b.ts',
    `import '../../features/posts/likes.ts'`,
    'src/features/posts/likes.ts',
  ],
  'users-imports-earlier-features-only': [
    'src/features/users/c.ts',
    `import '../profiles/index.ts'`,
    'src/features/profiles/index.ts',
  ],
  'profiles-imports-earlier-features-only': [
    'src/features/profiles/c.ts',
    `import '../media/index.ts'`,
    'src/features/media/index.ts',
  ],
  'media-imports-earlier-features-only': [
    'src/features/media/c.ts',
    `import '../posts/index.ts'`,
    'src/features/posts/index.ts',
  ],
  'posts-imports-earlier-features-only': [
    'src/features/posts/c.ts',
    `import '../timelines/index.ts'`,
    'src/features/timelines/index.ts',
  ],
  'timelines-imports-earlier-features-only': [
    'src/features/timelines/c.ts',
    `import '../badges/index.ts'`,
    'src/features/badges/index.ts',
  ],
  'imports-imports-earlier-features-only': [
    'src/features/imports/c.ts',
    `import '../badges/index.ts'`,
    'src/features/badges/index.ts',
  ],
  'unordered-features-stand-alone': [
    'src/features/badges/c.ts',
    `import '../users/index.ts'`,
    'src/features/users/index.ts',
  ],
  'no-sql-in-api': [
    'src/api/classic/c.ts',
    `import type {} from '../../platform/database/open.ts'`,
    'src/platform/database/open.ts',
  ],
  'drivers-only-in-platform': [
    'src/features/posts/d.ts',
    `import 'better-sqlite3'`,
    'node_modules/better-sqlite3/index.js',
  ],
  'web-framework-only-in-api': [
    'src/features/posts/e.ts',
    `import type {} from 'fastify'`,
    'node_modules/fastify/index.js',
  ],
  'no-dev-dependencies-in-src': [
    'src/features/posts/f.ts',
    `import 'fast-check'`,
    'node_modules/fast-check/index.js',
  ],
  'declared-packages-only': ['src/features/posts/g.ts', `import 'stray'`, 'node_modules/stray/index.js'],
  'no-cycles': ['src/features/users/one.ts', `import type {} from './two.ts'`, 'src/features/users/two.ts'],
  'no-orphans': ['src/features/users/alone.ts', 'export const alone = 1', 'src/features/users/alone.ts'],
  'imports-lead-somewhere': ['src/features/users/d.ts', `import './nowhere.ts'`, './nowhere.ts'],
  'sources-know-no-tests': [
    'src/features/users/e.ts',
    `import '../../../test/support/site.ts'`,
    'test/support/site.ts',
  ],
  'web-stands-alone': [
    'web/src/main.tsx',
    `import type {} from '../../src/features/users/index.ts'`,
    'src/features/users/index.ts',
  ],
  'server-knows-no-client': [
    'src/api/pages/page.ts',
    `import '../../../web/src/theme.ts'`,
    'web/src/theme.ts',
  ],
};

/** The targets of the violations, and arrows that are allowed. */
const lawful: Record<string, string> = {
  'src/app.ts': [
    `import { a } from './api/server.ts'`,
    `import { b } from './config.ts'`,
    `import { c } from './platform/storage/local.ts'`,
    `import fastify from 'fastify'`,
    `import './features/badges/index.ts'`,
  ].join('\n'),
  'src/config.ts': `import zod from 'zod'`,
  'src/api/server.ts': `import './classic/door.ts'\nimport './mastodon/door.ts'\nimport fastify from 'fastify'`,
  'src/api/classic/door.ts': `import { like } from '../../features/posts/index.ts'\nimport type {} from '../viewer.ts'`,
  'src/api/classic/door.test.ts': `import '../../platform/database/open.ts'\nimport '../../app.ts'`,
  'src/api/mastodon/door.ts': `import '../../platform/clock.ts'`,
  'src/features/users/index.ts': `import '../../platform/database/open.ts'`,
  'src/features/users/two.ts': `import './one.ts'`,
  'src/features/profiles/index.ts': `export * from '../users/index.ts'`,
  'src/features/media/index.ts': `export * from '../profiles/index.ts'`,
  'src/features/posts/index.ts': `export * from './likes.ts'`,
  'src/features/posts/likes.ts': `import { sql } from 'kysely'\nimport '../media/index.ts'`,
  'src/features/posts/likes.test.ts': `import check from 'fast-check'\nimport '../../../test/support/site.ts'`,
  'src/features/timelines/index.ts': `import '../posts/index.ts'`,
  'src/features/badges/index.ts': `export const badges = []`,
  'src/platform/database/open.ts': `export const open = () => import('./sqlite.ts')`,
  'src/platform/database/sqlite.ts': `import Database from 'better-sqlite3'`,
  'src/platform/storage/open.ts': `import type {} from '../../config.ts'\nimport './local.ts'`,
  'src/platform/storage/local.ts': `import 'node:fs'`,
  'test/support/site.ts': `import '../../src/app.ts'`,
  'web/src/theme.ts': `import 'preact'`,
};

const declared = { fastify: '*', kysely: '*', 'better-sqlite3': '*', zod: '*' };
const developing = { 'fast-check': '*', preact: '*' };

describe('the import rules', () => {
  let tree: string;
  let found: string[];

  beforeAll(async () => {
    tree = await mkdtemp(join(tmpdir(), 'veranda-boundaries-'));
    await plant(tree);
    const { summary } = await cruise(tree, ['src', 'test', 'web']);
    found = summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`);
  });

  afterAll(() => rm(tree, { recursive: true, force: true }));

  test.each(forbidden.map(({ name }) => name))('%s fires', (name) => {
    const violation = violations[name];
    expect(violation, 'a rule needs a violation in this file').toBeDefined();
    const [from, , to] = violation ?? ['', '', ''];
    expect(found).toContain(`${name}: ${from} -> ${to}`);
  });

  test('each violation names a rule that exists', () => {
    expect(Object.keys(violations).toSorted()).toEqual(forbidden.map(({ name }) => name).toSorted());
  });

  test('arrows that are allowed are let through', () => {
    // The cycle is told of from both its ends; one of them is the lawful file.
    const blamed = found.filter((line) => !line.startsWith('no-cycles'));
    expect(
      blamed.filter((line) => Object.keys(lawful).some((file) => line.includes(`: ${file} -> `))),
    ).toEqual([]);
  });
});

test('the sources of this repository keep every rule', async () => {
  const { summary } = await cruise(repository, ['.']);
  expect(summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)).toEqual([]);
  expect(summary.totalCruised).toBeGreaterThan(50);
});

async function plant(tree: string): Promise<void> {
  const files = new Map(Object.entries(lawful));
  for (const [from, line] of Object.values(violations)) files.set(from, line);
  for (const name of [...Object.keys({ ...declared, ...developing }), 'stray']) {
    files.set(
      `node_modules/${name}/package.json`,
      JSON.stringify({ name, version: '1.0.0', main: 'index.js' }),
    );
    files.set(`node_modules/${name}/index.js`, '');
  }
  files.set(
    'package.json',
    JSON.stringify({ type: 'module', dependencies: declared, devDependencies: developing }),
  );
  for (const [path, text] of files) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), `${text}\n`);
  }
}

async function cruise(folder: string, roots: string[]): Promise<Cruise> {
  const program = join(repository, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const args = [program, ...roots, '--config', config, '--output-type', 'json'];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) output += chunk;
  return JSON.parse(output) as Cruise;
}
