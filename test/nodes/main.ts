// `npm run events -- --changes 10000 --disconnects 100 --restarts 3 [--postgres]`: live updates under as much trouble as wanted.
import { parseArgs } from 'node:util';
import { startPostgres } from '../support/postgres.ts';
import { followEvents } from './events.ts';

const { values } = parseArgs({
  options: {
    changes: { type: 'string', default: '10000' },
    disconnects: { type: 'string', default: '100' },
    restarts: { type: 'string', default: '3' },
    postgres: { type: 'boolean', default: false },
  },
});
await using postgres = values.postgres ? await startPostgres() : undefined;
const report = await followEvents({
  changes: Number(values.changes),
  disconnects: Number(values.disconnects),
  redisRestarts: Number(values.restarts),
  ...(postgres && { env: { DATABASE_URL: postgres.url } }),
});
process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
process.exitCode = report.lost + report.backwards === 0 ? 0 : 1;
