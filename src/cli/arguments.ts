// What verbs are called with, and what they say.
import { parseArgs } from 'node:util';

export class UsageError extends Error {}

export function parse<Options extends NonNullable<Parameters<typeof parseArgs>[0]>['options']>(
  args: string[],
  options: Options,
) {
  try {
    return parseArgs({ args, options: options as NonNullable<Options> });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
