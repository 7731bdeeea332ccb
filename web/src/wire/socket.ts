// The page's one live socket. It says nothing and hears whole posts, new ones too, and which are gone. After any time without it the page may
// have missed frames: `onGap` tells when to read again.
import { nextWaitMs } from './waits.ts';
import { asRecord } from './failures.ts';
import type { Post } from './shapes.ts';

export interface LiveSocket {
  isOpen(): boolean;
}

export interface LiveListeners {
  onPost(post: Post): void;
  /** Somebody took it away. */
  onGone(id: number): void;
  /** Frames may have been lost until now. */
  onGap(): void;
}

const WAITS = { firstMs: 800, mostMs: 30_000 };
/** A socket that lived this long was healthy: the next wait starts small again. */
const HEALTHY_MS = 10_000;
/** A hidden page may be frozen and its socket dead without a word. */
const LONG_HIDDEN_MS = 20_000;

export function openLiveSocket(listeners: LiveListeners): LiveSocket {
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let attempt = 0;
  let hiddenSince = 0;
  let connections = 0;

  const connect = (): void => {
    clearTimeout(timer);
    if (socket && socket.readyState <= WebSocket.OPEN) return;
    const next = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/ws/posts/`);
    socket = next;
    let openedAt = 0;
    next.addEventListener('open', () => {
      openedAt = Date.now();
      connections += 1;
      if (connections > 1) listeners.onGap();
    });
    next.addEventListener('message', (event) => {
      const { id, post } = readFrame(event.data);
      if (post) listeners.onPost(post);
      else if (id !== undefined) listeners.onGone(id);
    });
    next.addEventListener('close', () => {
      if (socket !== next) return;
      if (openedAt > 0 && Date.now() - openedAt > HEALTHY_MS) attempt = 0;
      timer = setTimeout(connect, nextWaitMs(attempt, WAITS, Math.random()));
      attempt += 1;
    });
  };

  addEventListener('online', () => {
    attempt = 0;
    connect();
    listeners.onGap();
  });
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      hiddenSince = Date.now();
      return;
    }
    connect();
    if (Date.now() - hiddenSince > LONG_HIDDEN_MS) listeners.onGap();
  });
  // An open socket would keep the page out of the browser's back/forward cache.
  addEventListener('pagehide', () => {
    clearTimeout(timer);
    const old = socket;
    socket = undefined;
    old?.close();
  });
  addEventListener('pageshow', (event) => {
    if (event.persisted) connect();
  });

  connect();
  return { isOpen: () => socket?.readyState === WebSocket.OPEN };
}

/** An id without a post is of one that is gone. */
function readFrame(data: unknown): { id?: number; post?: Post } {
  if (typeof data !== 'string') return {};
  try {
    const { post_id: id, post } = asRecord(JSON.parse(data));
    if (typeof asRecord(post)['id'] === 'number') return { post: post as Post };
    return typeof id === 'number' && post === null ? { id } : {};
  } catch {
    return {};
  }
}
