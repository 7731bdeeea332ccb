// What of the posts is searched, for copies between databases, which make the full-text index afresh.
import type { Indexed } from '../../platform/copying/fill.ts';
import { termsOf } from './search-terms.ts';

export const searchedPosts: Indexed = {
  table: 'posts',
  termsOf: (row) => (row['parent_id'] === null ? termsOf(String(row['text'])) : undefined),
};
