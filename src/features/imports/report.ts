// The report of an import as lines of text.
import type { Lines, TableCount } from './tally.ts';

export interface ImportReport {
  /** What was read. */
  source: string;
  tables: readonly TableCount[];
  refusals: Lines;
  notes: Lines;
  /** Tables of the source that are neither Django's own nor known to this import. */
  otherTables: readonly string[];
  /** Videos that wait to be encoded once the site runs. */
  videosQueued: number;
}

export function formatReport(report: ImportReport): string[] {
  const { source, tables, refusals, notes, otherTables, videosQueued } = report;
  const width = Math.max(...tables.map(({ table }) => table.length));
  const row = (name: string, cells: readonly (string | number)[]): string =>
    name.padEnd(width) + cells.map((cell) => cell.toLocaleString('en').padStart(11)).join('');
  return [
    `Read from ${source}`,
    '',
    row('table', ['read', 'taken', 'there', 'refused']),
    ...tables.map((count) => row(count.table, [count.read, count.taken, count.there, count.refused])),
    ...section('Could not be taken:', refusals),
    ...section('Taken with a change:', notes),
    ...(otherTables.length > 0 ? ['', `Not looked at: ${otherTables.join(', ')}`] : []),
    ...(videosQueued > 0 ? ['', `Videos that are encoded once the site runs: ${videosQueued}`] : []),
  ];
}

function section(title: string, { lines, more }: Lines): string[] {
  if (lines.length === 0) return [];
  const rest = [...more].map(([table, count]) => `${table}: ${count.toLocaleString('en')} more`);
  return ['', title, ...[...lines, ...rest].map((line) => `  ${line}`)];
}
