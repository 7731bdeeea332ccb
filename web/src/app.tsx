// The frame around every view, and which view it is.
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { NoticeList } from './components/notice-list.tsx';
import { FootBar, TopBar } from './components/page-bars.tsx';
import { UploadTray } from './components/upload-tray.tsx';
import { navigate, path, takeWantedScroll } from './location.ts';
import { readRoute, signInPath, type Route } from './routes.ts';
import { useStore } from './store.ts';
import { tellTrouble } from './stores/notices.ts';
import { refreshViewer, viewer } from './stores/viewer.ts';
import { FeedView } from './views/feed-view.tsx';
import { LostView } from './views/lost-view.tsx';
import { PostView } from './views/post-view.tsx';
import { ProfileView } from './views/profile-view.tsx';
import { SearchView } from './views/search-view.tsx';
import { SignInView } from './views/sign-in-view.tsx';
import { SignUpView } from './views/sign-up-view.tsx';
import { nextWaitMs, rest } from './wire/waits.ts';

const PROFILE_WAITS = { firstMs: 2000, mostMs: 30_000 };

export function App(): JSX.Element | null {
  const here = useStore(path);
  const { signedIn } = useStore(viewer);
  const route = readRoute(here);
  const elsewhere = leadElsewhere(route, here, signedIn);
  useOwnProfile(signedIn);
  useLayoutEffect(() => {
    if (elsewhere !== undefined) navigate(elsewhere, { replace: true });
  }, [elsewhere]);
  useArrival(here);
  if (elsewhere !== undefined) return null;
  if (route.view === 'signin' || route.view === 'signup') {
    return (
      <>
        {route.view === 'signin' ? <SignInView next={route.next} /> : <SignUpView next={route.next} />}
        <NoticeList />
      </>
    );
  }
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <TopBar />
      <main id="main" class="page" tabIndex={-1}>
        <View key={`${signedIn}`} route={route} />
      </main>
      <div class="foot">
        <NoticeList />
        <UploadTray />
        <FootBar />
      </div>
    </>
  );
}

function View({ route }: { route: Route }): JSX.Element {
  switch (route.view) {
    case 'feed':
      return <FeedView key={route.of} of={route.of} />;
    case 'profile':
      return <ProfileView key={route.id} id={route.id} />;
    case 'post':
      return <PostView key={route.id} id={route.id} />;
    case 'search':
      return <SearchView words={route.words} />;
    default:
      return <LostView />;
  }
}

/** Where to go instead: the feed and profiles want a viewer, signing in and up want none. */
function leadElsewhere(route: Route, here: string, signedIn: boolean): string | undefined {
  if (route.view === 'signin' || route.view === 'signup') return signedIn ? route.next : undefined;
  const needsViewer = route.view === 'feed' || route.view === 'profile';
  return needsViewer && !signedIn ? signInPath(here) : undefined;
}

/** Reads the own profile once signed in, again and again where the server is silent; what is known stays. */
function useOwnProfile(signedIn: boolean): void {
  useEffect(() => {
    if (!signedIn) return undefined;
    const controller = new AbortController();
    void keepReading(controller.signal);
    return () => controller.abort();
  }, [signedIn]);
}

async function keepReading(signal: AbortSignal): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      await refreshViewer();
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!viewer.get().profile) tellTrouble(error);
      await rest(nextWaitMs(attempt, PROFILE_WAITS, Math.random()), signal);
    }
  }
}

/** A new view starts at its top (or where one left it) and takes the focus, as a loaded page would. */
function useArrival(here: string): void {
  const first = useRef(true);
  useLayoutEffect(() => {
    scrollTo({ top: takeWantedScroll(), behavior: 'instant' });
    if (first.current) {
      first.current = false;
      return;
    }
    const keepsFocus = document.activeElement instanceof HTMLInputElement;
    if (!keepsFocus) document.querySelector<HTMLElement>('#main')?.focus({ preventScroll: true });
  }, [here]);
}
