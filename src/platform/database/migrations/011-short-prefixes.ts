// Words that begin with one, two or three letters, found without going through all of these words: SQLite's full-text index is built again
// with a list of its own for each such beginning. PostgreSQL's has nothing of the kind.
import { type Kysely, sql } from 'kysely';
import type { SchemaDialect } from '../dialect.ts';

interface Posts {
  posts: { id: number; parentId: number | null; text: string };
}

const POSTS_AT_ONCE = 500;

export async function up(db: Kysely<unknown>, { searchByPrefix }: SchemaDialect): Promise<void> {
  if (searchByPrefix.length === 0) return;
  for (const statement of searchByPrefix) await sql.raw(statement).execute(db);
  for (let after = 0; ;) {
    const posts = await readPosts(db as Kysely<Posts>, after);
    const rows = JSON.stringify(posts.map(({ id, text }) => [id, termsOf(text).join(' ')]));
    await sql`insert into post_terms (rowid, terms) select value ->> 0, value ->> 1 from json_each(${rows})`.execute(
      db,
    );
    if (posts.length < POSTS_AT_ONCE) return;
    after = posts.at(-1)?.id ?? after;
  }
}

const readPosts = (db: Kysely<Posts>, after: number): Promise<{ id: number; text: string }[]> =>
  db
    .selectFrom('posts')
    .select(['id', 'text'])
    .where('id', '>', after)
    .where('parentId', 'is', null)
    .orderBy('id')
    .limit(POSTS_AT_ONCE)
    .execute();

// The terms of a text as the posts feature made them at this schema: the index keeps no texts that could be read from it.
const RUN = /[\p{L}\p{M}\p{N}%_]+/gu;
const UNSPACED = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}ー`;
const STRETCH = new RegExp(`([${UNSPACED}]+)|[^${UNSPACED}]+`, 'gu');
const STACK = /([\p{M}ﾞﾟ]{30})[\p{M}ﾞﾟ]+/gu;
const MAX_TERM_CHARACTERS = 64;

const termsOf = (text: string): string[] => fold(text).flatMap((run) => [run, ...parts(run)].map(cut));

function fold(text: string): string[] {
  const plain = text
    .replace(STACK, '$1')
    .normalize('NFKD')
    .replace(/\p{Mn}+/gu, '')
    .toLowerCase()
    .normalize('NFC');
  return plain.match(RUN) ?? [];
}

function parts(run: string): string[] {
  const words = /[%_]/.test(run) ? (run.match(/[^%_]+|[%_]+/g) ?? []) : [];
  const found = [...run.matchAll(STRETCH)].map(([text, unspaced]) => ({
    text,
    isUnspaced: unspaced !== undefined,
  }));
  if (!found.some(({ isUnspaced }) => isUnspaced)) return words;
  return [...words, ...found.flatMap(({ text, isUnspaced }) => (isUnspaced ? pairs(text) : [text]))];
}

function pairs(stretch: string): string[] {
  const characters = [...stretch];
  return characters.map((character, index) => character + (characters[index + 1] ?? ''));
}

const cut = (term: string): string => [...term].slice(0, MAX_TERM_CHARACTERS).join('');
