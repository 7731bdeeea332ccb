// What a newcomer reads has to be true: settings, commands and places that the documents name exist.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { POLICIES } from '../src/platform/limits/policies.ts';
import { rows } from './access/table.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

describe('.env.example', () => {
  const example = read('.env.example');
  const documented = [...example.matchAll(/^#([A-Z][A-Z0-9_]+)=/gm)].map((match) => match[1] ?? '');

  test('names exactly the settings that the configuration reads', () => {
    const source = read('src/config.ts') + read('src/config/engines.ts');
    const keys = [...source.matchAll(/^ {2}([A-Z][A-Z0-9_]+):/gm)].map((match) => match[1] ?? '');
    expect(keys.length).toBeGreaterThan(25);
    expect(new Set(documented)).toEqual(new Set(keys));
    expect(documented).toHaveLength(new Set(documented).size);
  });

  test('changes nothing when it is copied as it stands', () => {
    const copied = parseEnv(example);
    expect(copied).toEqual({});
    expect(readConfig(copied as Record<string, string>)).toEqual(readConfig({}));
  });

  test('shows the values that hold anyway', () => {
    const taken = parseEnv(example.replaceAll(/^#(?=[A-Z][A-Z0-9_]+=)/gm, ''));
    expect(Object.keys(taken)).toHaveLength(documented.length);
    // The one that has no value to show.
    delete taken['SECRET_KEY'];
    expect(readConfig(taken as Record<string, string>)).toEqual(readConfig({}));
  });
});

describe('the documents', () => {
  const documents = [
    'README.md',
    'CHANGELOG.md',
    ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join('docs', name)),
  ];

  test.each(documents)('%s names only files that exist', (document) => {
    const text = read(document);
    const linked = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)].map((match) =>
      relative(root, resolve(root, dirname(document), match[1] ?? '')),
    );
    const quoted = [
      ...text.matchAll(/`((?:src|docs|test|web|bin|scripts|bench|\.ci)\/[\w./-]*|[\w-]+\.(?:md|cjs))`/g),
    ].map((match) => match[1] ?? '');
    expect([...linked, ...quoted].filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test('the map of the code shows every folder of its rings', () => {
    const map = read('docs/architecture.md');
    const folders = ['api', 'features', 'platform'].flatMap((ring) =>
      readdirSync(join(root, 'src', ring), { withFileTypes: true }).filter((entry) => entry.isDirectory()),
    );
    expect(folders.filter(({ name }) => !map.includes(`    ${name}/`)).map(({ name }) => name)).toEqual([]);
  });

  test('docs/api.md names every request of the API, and none besides', () => {
    const documented = [...read('docs/api.md').matchAll(/`([A-Z]+) (\/api\/[^`\s]*)`/g)].map(
      ([, method, path = '']) => `${method} ${path.replace('/ID/', '/:id/')}`,
    );
    // What docs/uploads.md has, second spellings, and the toggles and reads of the original that better ones replace.
    const elsewhere =
      /^[A-Z]+ \/api\/(?:uploads.*|site|openapi\.json|.*:id|.*\/(?:delete|edit|follower\/add)\/:id\/|.*add\/(?:comment\/|reply\/)?like\/)$/;
    const mounted = rows
      .filter(({ method, path }) => path.startsWith('/api/') && method !== 'HEAD')
      .map(({ method, path }) => `${method} ${path === '/api/posts' ? '/api/posts/' : path}`)
      .filter((route) => !elsewhere.test(route));
    expect(new Set(documented)).toEqual(new Set(mounted));
  });

  test('docs/operating.md has every limit by rate that there is', () => {
    const text = read('docs/operating.md');
    const figures = Object.values(POLICIES)
      .filter(({ points }) => points < 1e6)
      .map(({ points, seconds }) => [
        points.toLocaleString('en'),
        seconds === 3_600 ? 'an hour' : `in ${seconds / 60} min`,
      ]);
    expect(figures.filter(([points, time]) => !text.includes(`| ${points} ${time} |`))).toEqual([]);
  });

  test('the change log knows the version', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(read('CHANGELOG.md')).toContain(`## ${version}`);
  });

  test.each(documents)('%s names only commands that exist', (document) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const text = read(document);
    const run = [...text.matchAll(/npm run ([a-z][a-z:-]*)/g)].map((match) => match[1] ?? '');
    const short = [...text.matchAll(/npm (start|test)\b/g)].map((match) => match[1] ?? '');
    expect([...run, ...short].filter((name) => !(name in scripts))).toEqual([]);
  });

  test.each(documents)('%s names only verbs that the program has', (document) => {
    const usage = read('src/cli.ts');
    const verbs = [...read(document).matchAll(/npm run veranda -- (?!help)([a-z-]+)/g)].map(
      (match) => match[1] ?? '',
    );
    expect(verbs.filter((verb) => !new RegExp(`^ {2}${verb}\\b`, 'm').test(usage))).toEqual([]);
  });
});
