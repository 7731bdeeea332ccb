// Keeps writers of uploads from giving back what they hold, until they are let go: so one can be killed while it holds it.
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

export interface HeldLeases {
  /** Resolves once so many writers wait. */
  until(count: number): Promise<void>;
  letGo(): Promise<void>;
}

const LOCK = 4_711;

export async function holdLeases(url: string): Promise<HeldLeases> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`select pg_advisory_lock(${LOCK})`);
  await client.query(`
    create function wait_to_give_back() returns trigger language plpgsql as
      'begin perform pg_advisory_xact_lock(${LOCK}); return new; end';
    create trigger held before update on uploads for each row
      when (old.lease_holder is not null and new.lease_holder is null) execute function wait_to_give_back()`);
  return {
    async until(count) {
      const waiting = `select from pg_locks where locktype = 'advisory' and objid = ${LOCK} and not granted`;
      while (((await client.query(waiting)).rowCount ?? 0) < count) await delay(5);
    },
    async letGo() {
      await client.query(`select pg_advisory_unlock(${LOCK})`);
      // Waits for those that were held.
      await client.query('drop trigger held on uploads; drop function wait_to_give_back()');
      await client.end();
    },
  };
}
