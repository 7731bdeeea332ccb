// Builds the site's own client into web/dist; npm runs it after an install. An install without the development
// tools cannot build: it says so and keeps whatever was built before. A build that fails, fails the install.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const web = fileURLToPath(new URL('../web/', import.meta.url));

if (!isInstalled('vite')) {
  const kept = existsSync(`${web}dist/index.html`)
    ? 'the page in web/dist stays as it is'
    : 'there is no page to serve';
  process.stdout.write(`web: vite is not installed, so ${kept}.\n`);
} else if (!existsSync(`${web}index.html`)) {
  process.stdout.write('web: no web/index.html here, so there is nothing to build.\n');
} else {
  const { build } = await import('vite');
  await build({ root: web, logLevel: 'warn' });
  process.stdout.write('web: built into web/dist.\n');
}

function isInstalled(name) {
  try {
    createRequire(import.meta.url).resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}
