// What is known of each stored picture (its size, colours, words) and the renditions made of it. Pictures that are there
// already get their rows now and their renditions by the sweep.
import { type Kysely, sql } from 'kysely';
import type { SchemaDialect } from '../dialect.ts';

const statements = ({ id, integer, table }: SchemaDialect): string[] => [
  `create table pictures (
    id ${id},
    key text not null unique,
    role text not null check (role in ('post', 'avatar', 'cover')),
    shown_on ${integer} not null,
    width ${integer},
    height ${integer},
    alt text not null default '',
    focus_x ${integer} not null default 0,
    focus_y ${integer} not null default 0,
    blurhash text,
    renditions text not null default '[]',
    draft_prefix text,
    webp_prefix text,
    avif_prefix text,
    created_at ${integer} not null,
    rendered_at ${integer},
    failed_at ${integer}
  )${table}`,
  `create index pictures_bare on pictures (id) where rendered_at is null and failed_at is null`,
  `insert into pictures (key, role, shown_on, width, height, created_at)
    select file_key, 'post', post_id, width, height, created_at from media
    where kind = 'picture' and file_key is not null and post_id is not null`,
  `insert into pictures (key, role, shown_on, created_at)
    select picture_key, 'avatar', id, created_at from profiles where picture_key is not null`,
  `insert into pictures (key, role, shown_on, created_at)
    select cover_key, 'cover', id, created_at from profiles where cover_key is not null`,
];

export async function up(db: Kysely<unknown>, schema: SchemaDialect): Promise<void> {
  for (const statement of statements(schema)) await sql.raw(statement).execute(db);
}
