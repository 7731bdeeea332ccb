// Where the page is: the History API as a store. Plain links work by themselves; each entry remembers how far
// it was scrolled.
import { createStore } from './store.ts';

export const path = createStore(currentPath());

/** Scroll position to return to, for the view that is about to be drawn; 0 for a new entry. */
let wantedScroll = 0;

export function navigate(to: string, how: { replace?: boolean } = {}): void {
  if (to === path.get()) {
    scrollTo({ top: 0 });
    return;
  }
  rememberScroll();
  wantedScroll = 0;
  if (how.replace === true) history.replaceState({ scroll: 0 }, '', to);
  else history.pushState({ scroll: 0 }, '', to);
  path.set(currentPath());
}

export function takeWantedScroll(): number {
  const scroll = wantedScroll;
  wantedScroll = 0;
  return scroll;
}

/** Call once, before the first view. */
export function followLocation(): void {
  history.scrollRestoration = 'manual';
  wantedScroll = readScroll(history.state);
  addEventListener('popstate', (event) => {
    wantedScroll = readScroll(event.state);
    path.set(currentPath());
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  addEventListener(
    'scroll',
    () => {
      clearTimeout(timer);
      timer = setTimeout(rememberScroll, 120);
    },
    { passive: true },
  );
  document.addEventListener('click', followLink);
}

function currentPath(): string {
  return location.pathname + location.search;
}

function rememberScroll(): void {
  history.replaceState({ scroll: Math.round(scrollY) }, '');
}

function readScroll(state: unknown): number {
  const { scroll } = (state ?? {}) as { scroll?: unknown };
  return typeof scroll === 'number' ? scroll : 0;
}

/** Plain clicks on links into this page; everything else (new tab, download, media, other hosts) is the browser's. */
function followLink(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!link || link.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) return;
  if (/^\/(?:api|media|ws|docs|admin)\b/.test(link.pathname) || link.getAttribute('href')?.startsWith('#'))
    return;
  event.preventDefault();
  navigate(link.pathname + link.search);
}
