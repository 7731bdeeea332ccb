// Keeps `gypfile: false` in package-lock.json for the packages that say it of themselves: they bring their binaries
// along and need no compiler. npm leaves the word out of the lock and then, in `npm ci`, runs node-gyp for them all
// the same, which fails where there is no Python. npm calls this after each install; a second run changes nothing.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const lockFile = `${root}package-lock.json`;

if (existsSync(lockFile)) {
  const lock = readJson(lockFile);
  const unmarked = Object.keys(lock.packages).filter(
    (path) => isPrebuilt(path) && !('gypfile' in lock.packages[path]),
  );
  for (const path of unmarked) lock.packages[path].gypfile = false;
  if (unmarked.length > 0) writeFileSync(lockFile, `${JSON.stringify(lock, null, 2)}\n`);
}

function isPrebuilt(path) {
  const description = `${root}${path}/package.json`;
  return path !== '' && existsSync(description) && readJson(description).gypfile === false;
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
