// What the operating system says of a process.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** CPU seconds, user and system, of the process so far. */
export function cpuSeconds(pid: number): number {
  const fields = readStat(pid);
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The same of the process and all that it has started: those that run, and those that have ended. */
export function familyCpuSeconds(pid: number): number {
  const running = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(Number(name)) === pid);
  const fields = readStat(pid);
  const ended = (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
  return running.reduce((sum, child) => sum + cpuSeconds(Number(child)), cpuSeconds(pid) + ended);
}

function parentOf(pid: number): number {
  try {
    return Number(readStat(pid)[1]);
  } catch {
    // It has ended meanwhile.
    return 0;
  }
}

/** CPU seconds of the children of this process that have ended. */
export function childrenCpuSeconds(): number {
  const fields = readStat('self');
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}

/** The fields from the state on; what stands before may hold blanks. */
const readStat = (process: number | 'self'): string[] =>
  readFileSync(`/proc/${process}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');

/** Memory in MiB: now (`VmRSS`) or at the most so far (`VmHWM`). */
export function memoryMiB(pid: number, which: 'VmRSS' | 'VmHWM'): number {
  const line = new RegExp(`^${which}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? 0) / 1_024;
}

/** A row of a Markdown table. */
export const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
