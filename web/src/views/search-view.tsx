import type { JSX } from 'preact';
import { Skeletons } from '../components/post-list.tsx';
import { SlicedPosts } from '../components/sliced-posts.tsx';
import { Trouble } from '../components/trouble.tsx';
import { useReading, useTitle } from '../hooks.ts';
import { keepPosts } from '../stores/posts.ts';
import { countOf } from '../texts/names.ts';
import { searchPosts } from '../wire/posts.ts';

export function SearchView({ words }: { words: string }): JSX.Element {
  useTitle(words === '' ? 'Search' : `${words} · Search`);
  if (words === '') {
    return (
      <div class="column-main">
        <h1 class="view-title">Search</h1>
        <p class="quiet">Type a word or two above to find posts that speak of it.</p>
      </div>
    );
  }
  return <Results words={words} />;
}

function Results({ words }: { words: string }): JSX.Element {
  const { value, failure, retry } = useReading(`search ${words}`, async () => {
    const askedAt = performance.now();
    const found = await searchPosts(words);
    keepPosts(found, askedAt);
    return found.map((post) => post.id);
  });
  return (
    <div class="column-main">
      <h1 class="view-title">
        {value ? countOf(value.length, 'post', 'posts') : 'Looking'} for <q>{words}</q>
      </h1>
      {failure !== undefined && <Trouble failure={failure} retry={retry} />}
      {value && <SlicedPosts key={words} ids={value} />}
      {!value && failure === undefined && <Skeletons count={2} />}
      {value?.length === 0 && <p class="quiet">Nothing speaks of this yet.</p>}
    </div>
  );
}
