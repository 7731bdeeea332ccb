// `npm run constellation`: a site of many processes on this machine, to look at and to kill parts of, until Ctrl-C.
import { once } from 'node:events';
import { startConstellation } from './constellation.ts';

const print = (line: string): void => void process.stdout.write(`${line}\n`);
// From the beginning, so that none of the processes outlives this one.
const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
await using site = await startConstellation();
const listed = (nodes: typeof site.web): string =>
  nodes.map(({ base, process: { pid } }) => `${base} (process ${pid})`).join(', ');
print(`The constellation serves on ${site.base}`);
print(`  nodes         ${listed(site.web)}`);
print(`  workers       ${site.workers.map(({ process: { pid } }) => `process ${pid}`).join(', ')}`);
print(`  PostgreSQL    ${site.postgres.url}`);
print(`  Redis         ${site.redis.url}`);
print(`  S3            ${site.s3.settings.endpoint}, bucket ${site.s3.settings.bucket}`);
print('Ctrl-C ends it and removes all it has kept.');
await stopped;
