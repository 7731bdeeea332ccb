// Streams that are listed while they are made: the tracks of a video, and the segments of those that are not whole yet.
import { type Kysely, sql } from 'kysely';
import type { SchemaDialect } from '../dialect.ts';

const statements = ({ id, integer, table, ordered }: SchemaDialect): string[] => [
  ...[
    'source_key text',
    'encode_run text',
    'storyboard_key text',
    'sizes text',
    'progress text',
    'captions text',
  ].map((column) => `alter table media add column ${column}`),
  `create table renditions (
    id ${id},
    media_id ${integer} not null references media (id) on delete cascade,
    name text not null,
    kind text not null check (kind in ('picture', 'copy', 'sound')),
    width ${integer} not null,
    height ${integer} not null,
    frames_per_kilosecond ${integer} not null,
    codecs text not null,
    target_seconds ${integer} not null,
    bandwidth ${integer} not null,
    average_bandwidth ${integer} not null,
    i_frame_bandwidth ${integer} not null,
    playlist_run text,
    listed_at ${integer},
    finished_at ${integer},
    unique (media_id, name)
  )${table}`,
  `create table segments (
    rendition_id ${integer} not null references renditions (id) on delete cascade,
    position ${integer} not null,
    file text not null,
    init text not null,
    microseconds ${integer} not null,
    bytes ${integer} not null,
    keys text not null,
    primary key (rendition_id, position)
  )${ordered}`,
];

export async function up(db: Kysely<unknown>, schema: SchemaDialect): Promise<void> {
  for (const statement of statements(schema)) await sql.raw(statement).execute(db);
}
