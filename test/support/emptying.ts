// Databases of PostgreSQL that one test after the other has: to empty one is far quicker than to make one.
import type pg from 'pg';

const OURS = `relnamespace = 'public'::regnamespace`;
/** The one table that is not empty in a new database. */
const KEPT = 'schema_migrations';

/** Whatever a test may change beside rows and what counts them; objects that are made anew have other numbers. */
const SHAPE = `select md5(string_agg(line, ';' order by line)) as shape from (
  select format('%s %s %s', oid, relname, relkind) from pg_class where ${OURS}
  union all select format('%s %s %s %s %s %s', attrelid, attname, atttypid, attnotnull, atthasdef, attisdropped)
    from pg_attribute join pg_class on pg_class.oid = attrelid where ${OURS}
  union all select format('%s %s', pg_attrdef.oid, adnum) from pg_attrdef join pg_class on pg_class.oid = adrelid where ${OURS}
  union all select format('%s %s %s', oid, conname, convalidated) from pg_constraint
  union all select format('%s %s %s', oid, tgname, tgenabled) from pg_trigger
  union all select format('%s %s', oid, proname) from pg_proc where oid >= 16384
  union all select format('%s %s', oid, evtname) from pg_event_trigger
  union all select format('%s %s', setrole, setconfig) from pg_db_role_setting
    where setdatabase = (select oid from pg_database where datname = current_database())
  union all select ${KEPT}::text from ${KEPT}
) as lines(line)`;

const EMPTY = `do $$
  declare name regclass;
  begin
    set local session_replication_role = replica;
    for name in select oid from pg_class where relkind = 'r' and ${OURS} and relname <> '${KEPT}' loop
      execute format('delete from %s', name);
    end loop;
    perform setval(seqrelid, seqstart, false) from pg_sequence;
  end $$`;

/** A new one has 8 MB. What was much larger is slow to empty, and slow after it. */
const MAX_BYTES = 16_000_000;

export async function readShape(client: pg.ClientBase): Promise<string> {
  return (await client.query<{ shape: string }>(SHAPE)).rows[0]?.shape ?? '';
}

/** Makes it as it was made, if it still has that shape and has not grown; answers whether it does. */
export async function empty(client: pg.ClientBase, shape: string): Promise<boolean> {
  // Without its table of migrations it has another shape.
  const found = await readShape(client).catch(() => undefined);
  if (found !== shape || (await readSize(client)) > MAX_BYTES) return false;
  await client.query(EMPTY);
  return true;
}

async function readSize(client: pg.ClientBase): Promise<number> {
  const sql = 'select pg_database_size(current_database())::float as bytes';
  return (await client.query<{ bytes: number }>(sql)).rows[0]?.bytes ?? 0;
}
