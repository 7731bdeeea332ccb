// What a table holds, as a number of rows and a checksum that are the same on every engine and in every order.
import { hash } from 'node:crypto';
import type { TableShape } from '../database/catalog.ts';
import type { Reader } from '../database/database.ts';
import { conflict } from '../errors.ts';
import { readPages } from './rows.ts';

export interface Digest {
  rows: number;
  /** Hex. */
  checksum: string;
}

const MODULUS = 1n << 256n;

/** The sum of the SHA-256 of all rows: no two of them are alike, since each holds its key. */
async function digest(read: Reader, shape: TableShape): Promise<Digest> {
  let rows = 0;
  let sum = 0n;
  for await (const page of readPages(read, shape)) {
    for (const row of page) sum += BigInt(`0x${hash('sha256', JSON.stringify(row))}`);
    sum %= MODULUS;
    rows += page.length;
  }
  return { rows, checksum: sum.toString(16).padStart(64, '0') };
}

/** Compares every table. Throws `conflict` (`copy_differs`), naming those that differ. */
export async function compare(
  source: Reader,
  target: Reader,
  { shapes, print }: { shapes: readonly TableShape[]; print: (line: string) => void },
): Promise<void> {
  const faults: string[] = [];
  for (const shape of shapes) {
    const [one, other] = await Promise.all([digest(source, shape), digest(target, shape)]);
    if (one.rows !== other.rows)
      faults.push(`${shape.name} has ${one.rows} rows in the source and ${other.rows} in the copy`);
    else if (one.checksum !== other.checksum)
      faults.push(`${shape.name} has the same number of rows, but others`);
    else print(`${shape.name}: ${one.rows} rows, SHA-256 ${one.checksum.slice(0, 16)}…`);
  }
  if (faults.length > 0)
    throw conflict(
      'copy_differs',
      `The copy is not the same as its source, which was perhaps written to meanwhile. Empty the target and begin again with the site stopped.\n${faults.join('\n')}`,
    );
}
