// The bar at the top, and on small screens the one at the foot.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { navigate, path } from '../location.ts';
import { profilePath, readRoute, searchPath } from '../routes.ts';
import { useStore } from '../store.ts';
import { tell } from '../stores/notices.ts';
import { site } from '../stores/site.ts';
import { viewer } from '../stores/viewer.ts';
import { fullName } from '../texts/names.ts';
import { signOut } from '../wire/accounts.ts';
import { Avatar } from './avatar.tsx';
import { Wordmark } from './brand.tsx';
import { Form } from './form.tsx';
import { IconButton } from './icon-button.tsx';
import { Icon, type IconName } from './icons.tsx';

export function TopBar(): JSX.Element {
  const { signedIn, profile } = useStore(viewer);
  const { name } = useStore(site);
  return (
    <header class="top-bar">
      <div class="top-bar-inner">
        <a class="brand" href="/" aria-label={`${name}, home`}>
          <Wordmark />
        </a>
        <SearchForm />
        <nav class="top-nav" aria-label="Account">
          {profile && (
            <a
              class="top-me"
              href={profilePath(profile.id)}
              title={fullName(profile)}
              aria-label="Your profile"
            >
              <Avatar person={profile} size="small" />
            </a>
          )}
          {signedIn ? (
            <IconButton testid="signout" icon="leave" label="Sign out" onClick={() => void leave()} />
          ) : (
            <a class="button button-small" href="/signin">
              Sign in
            </a>
          )}
        </nav>
      </div>
    </header>
  );
}

export function FootBar(): JSX.Element | null {
  const { profile } = useStore(viewer);
  const here = useStore(path);
  if (!profile) return null;
  return (
    <nav class="foot-bar" aria-label="Pages">
      <FootLink to="/" here={here === '/following' ? '/' : here} icon="home" label="Home" />
      <FootLink to="/search" here={here} icon="search" label="Search" />
      <FootLink to={profilePath(profile.id)} here={here} icon="person" label="You" />
    </nav>
  );
}

interface FootLinkProps {
  to: string;
  here: string;
  icon: IconName;
  label: string;
}

function FootLink({ to, here, icon, label }: FootLinkProps): JSX.Element {
  const current = here.split('?')[0] === to;
  return (
    <a href={to} aria-current={current ? 'page' : undefined}>
      <Icon name={icon} />
      {label}
    </a>
  );
}

function SearchForm(): JSX.Element {
  const route = readRoute(useStore(path));
  const words = route.view === 'search' ? route.words : '';
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (!input.current) return;
    input.current.value = words;
    if (route.view === 'search' && words === '') input.current.focus();
  }, [words, route.view]);
  return (
    <search class={route.view === 'search' ? 'search search-open' : 'search'}>
      <Form onSubmit={() => navigate(searchPath(input.current?.value.trim() ?? ''))}>
        <Icon name="search" />
        <input
          ref={input}
          type="search"
          name="q"
          data-testid="search-input"
          aria-label="Search posts"
          placeholder="Search posts"
          autocomplete="off"
          enterkeyhint="search"
        />
      </Form>
    </search>
  );
}

async function leave(): Promise<void> {
  try {
    await signOut();
  } catch {
    tell('You are signed out in this browser, but the server could not be told.');
  }
}
