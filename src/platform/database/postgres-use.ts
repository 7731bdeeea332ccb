import { APPLICATION_NAME, openConnections } from './postgres-connections.ts';
import { openConnection } from './postgres-driver.ts';
import type { PostgresSettings } from './settings.ts';

/** Whether another process of this program is connected, or this one otherwise than here. */
export async function isInUse(settings: PostgresSettings): Promise<boolean> {
  await using connections = openConnections({ ...settings, readonly: true, size: 1 });
  const connection = await openConnection(connections, { readonly: true });
  try {
    const { rows } = await connection.run(
      `select from pg_stat_activity
        where datname = current_database() and application_name = $1 and pid <> pg_backend_pid()`,
      { values: [APPLICATION_NAME] },
    );
    return rows.length > 0;
  } finally {
    connection.release();
  }
}
