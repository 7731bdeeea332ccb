import { type Kysely, sql } from 'kysely';
import type { SchemaDialect } from '../dialect.ts';

// Ids are AUTOINCREMENT: an id that was ever shown is never given to something else.
const people = ({ id, integer, table, ordered }: SchemaDialect): string[] => [
  `create table users (
    id ${id},
    username text not null,
    username_key text not null unique,
    email text not null,
    email_key text not null unique,
    first_name text not null,
    last_name text not null,
    password_hash text not null,
    role text not null check (role in ('user', 'admin')),
    created_at ${integer} not null,
    suspended_at ${integer}
  )${table}`,
  `create table sessions (
    id ${id},
    user_id ${integer} not null references users (id) on delete cascade,
    generation ${integer} not null default 0,
    rotated_at ${integer} not null,
    expires_at ${integer} not null,
    created_at ${integer} not null,
    revoked_at ${integer}
  )${table}`,
  `create index sessions_of_user on sessions (user_id)`,
  `create index sessions_expiring on sessions (expires_at)`,
  `create table profiles (
    id ${id},
    user_id ${integer} not null unique references users (id) on delete cascade,
    bio text not null default '',
    picture_key text,
    cover_key text,
    followers_count ${integer} not null default 0,
    following_count ${integer} not null default 0,
    created_at ${integer} not null
  )${table}`,
  `create table follows (
    followed_id ${integer} not null references profiles (id) on delete cascade,
    follower_id ${integer} not null references profiles (id) on delete cascade,
    created_at ${integer} not null,
    primary key (followed_id, follower_id),
    check (followed_id <> follower_id)
  )${ordered}`,
  `create index follows_of_follower on follows (follower_id, followed_id)`,
];

const posts = ({ id, integer, table, ordered, search }: SchemaDialect): string[] => [
  `create table posts (
    id ${id},
    author_id ${integer} not null references profiles (id) on delete cascade,
    parent_id ${integer} references posts (id) on delete cascade,
    root_id ${integer} references posts (id) on delete cascade,
    text text not null,
    likes_count ${integer} not null default 0,
    children_count ${integer} not null default 0,
    version ${integer} not null default 0,
    created_at ${integer} not null,
    edited_at ${integer},
    check ((parent_id is null) = (root_id is null))
  )${table}`,
  `create index posts_newest on posts (created_at desc, id desc) where parent_id is null`,
  `create index posts_of_author on posts (author_id, created_at desc, id desc) where parent_id is null`,
  `create index posts_by_author on posts (author_id)`,
  `create index posts_of_parent on posts (parent_id, created_at, id) where parent_id is not null`,
  `create index posts_of_root on posts (root_id, created_at, id) where root_id is not null`,
  `create table likes (
    post_id ${integer} not null references posts (id) on delete cascade,
    profile_id ${integer} not null references profiles (id) on delete cascade,
    created_at ${integer} not null,
    primary key (post_id, profile_id)
  )${ordered}`,
  `create index likes_of_profile on likes (profile_id, post_id)`,
  ...search,
];

const work = ({ id, integer, table, uniqueText }: SchemaDialect): string[] => [
  `create table media (
    id ${id},
    owner_id ${integer} not null references profiles (id) on delete cascade,
    post_id ${integer} references posts (id) on delete set null,
    position ${integer} not null default 0,
    kind text not null check (kind in ('picture', 'video')),
    label text not null default '',
    file_key text,
    hls_prefix text,
    draft_prefix text,
    poster_key text,
    width ${integer},
    height ${integer},
    duration_ms ${integer},
    size ${integer} not null default 0,
    created_at ${integer} not null,
    ready_at ${integer},
    failed_at ${integer},
    failure text
  )${table}`,
  `create index media_of_post on media (post_id, position, id) where post_id is not null`,
  `create index media_of_owner on media (owner_id)`,
  `create table uploads (
    id ${id},
    owner_id ${integer} not null references profiles (id) on delete cascade,
    media_id ${integer} not null unique references media (id) on delete cascade,
    label text not null,
    draft_key text not null unique,
    "offset" ${integer} not null default 0,
    last_chunk_hash text,
    last_chunk_size ${integer} not null default 0,
    last_connection text,
    lease_holder text,
    lease_until ${integer} not null default 0,
    created_at ${integer} not null,
    updated_at ${integer} not null,
    finished_at ${integer}
  )${table}`,
  uniqueText({ name: 'uploads_of_label', table: 'uploads', columns: ['owner_id', 'label'] }),
  `create index uploads_open on uploads (updated_at) where finished_at is null`,
  `create table jobs (
    id ${id},
    kind text not null,
    payload text not null,
    unique_key text,
    priority ${integer} not null default 0,
    run_at ${integer} not null,
    attempts ${integer} not null default 0,
    max_attempts ${integer} not null,
    lease_holder text,
    lease_until ${integer} not null default 0,
    last_error text,
    created_at ${integer} not null,
    dead_at ${integer}
  )${table}`,
  `create unique index jobs_unique_key on jobs (unique_key) where unique_key is not null and dead_at is null`,
  `create index jobs_ready on jobs (priority desc, run_at, id) where dead_at is null`,
];

export async function up(db: Kysely<unknown>, schema: SchemaDialect): Promise<void> {
  for (const statement of [...people(schema), ...posts(schema), ...work(schema)])
    await sql.raw(statement).execute(db);
}
