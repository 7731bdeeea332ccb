// The upload storm at full strength: npm run crash:uploads [-- --megabytes 1000 --faults 200 --kills 5 --seed 1]
import { parseArgs } from 'node:util';
import { runUploadStorm } from './upload-storm.ts';

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '1000' },
    faults: { type: 'string', default: '200' },
    kills: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const report = await runUploadStorm({
  megabytes: Number(values.megabytes),
  faults: Number(values.faults),
  kills: Number(values.kills),
  seed: Number(values.seed),
});
process.stdout.write(`seed ${values.seed}: ${JSON.stringify(report, undefined, 2)}\n`);
process.exitCode = report.isSame && report.lost === 0 && report.sentAgain <= report.mayBeSentAgain ? 0 : 1;
