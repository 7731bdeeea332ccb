// What a database says of its own tables, in the words of neither engine.

export interface TableShape {
  /** As SQL writes it, like all names here. */
  name: string;
  /** By name; none that the engine fills by itself. */
  columns: readonly ColumnShape[];
  /** The columns of the primary key, in order. */
  key: readonly string[];
  /** The tables that its rows refer to, but for itself. */
  references: readonly string[];
  /** Whether the database gives the ids, and never gives one again. */
  givesIds: boolean;
}

export interface ColumnShape {
  name: string;
  type: 'integer' | 'text';
}

/** For dialects: a column as their catalogues have it; `place` is that in the primary key, null when it is in none. */
export interface ColumnRow {
  table: string;
  column: string;
  type: string;
  place: number | null;
  given: boolean | number;
}

export interface ReferenceRow {
  table: string;
  target: string;
}

/** Kept by the engine, by migrations or by a copy, or made from other tables. */
const NOT_OF_THE_SITE = /^(sqlite_.*|schema_migrations|copy_progress|post_terms(_.*)?)$/;

/** The tables of the site, each after those that it refers to. Throws for a column of a type that no table of ours has. */
export function shapesOf(columns: readonly ColumnRow[], references: readonly ReferenceRow[]): TableShape[] {
  const targets = Map.groupBy(references, ({ table }) => table);
  const shapes = [...Map.groupBy(columns, ({ table }) => table)]
    .filter(([name]) => !NOT_OF_THE_SITE.test(name))
    .map(([name, rows]) => shapeOf(name, { rows, references: targets.get(name) ?? [] }));
  return inOrder(shapes);
}

function shapeOf(
  name: string,
  { rows, references }: { rows: readonly ColumnRow[]; references: readonly ReferenceRow[] },
): TableShape {
  const key = rows
    .filter((row): row is ColumnRow & { place: number } => row.place !== null)
    .toSorted((one, other) => one.place - other.place)
    .map(({ column }) => column);
  if (key.length === 0) throw new Error(`The table ${name} has no primary key`);
  const others = references.map(({ target }) => target).filter((target) => target !== name);
  return {
    ...{ name, key, references: [...new Set(others)].toSorted() },
    columns: rows
      .map((row) => ({ name: row.column, type: typeOf(row) }))
      .toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    givesIds: rows.some(({ given }) => Boolean(given)),
  };
}

function typeOf({ table, column, type }: ColumnRow): ColumnShape['type'] {
  if (/^(integer|bigint)$/i.test(type)) return 'integer';
  if (/^text$/i.test(type)) return 'text';
  throw new Error(`The column ${table}.${column} is of the type ${type}, which is not known here`);
}

function inOrder(shapes: readonly TableShape[]): TableShape[] {
  const sorted = new Map<string, TableShape>();
  while (sorted.size < shapes.length) {
    const next = shapes.filter(
      ({ name, references }) => !sorted.has(name) && references.every((target) => sorted.has(target)),
    );
    if (next.length === 0) throw new Error('The tables refer to each other in a circle');
    for (const shape of next.toSorted((one, other) => (one.name < other.name ? -1 : 1)))
      sorted.set(shape.name, shape);
  }
  return [...sorted.values()];
}
