// `npm run crash -- --rounds 1000 --seed 7`: as many rounds as wanted; without a seed, a new one that is printed.
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { runStorms } from './storms.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '20' }, seed: { type: 'string' } },
});
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const seed = values.seed ?? randomBytes(4).toString('hex');
const report = await runStorms({ rounds: Number(values.rounds), seed, print });
print(JSON.stringify(report, undefined, 2));
