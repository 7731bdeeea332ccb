// Somebody whose page is open: hears the frames of the likes socket, as the React client opens it.

import { once } from 'node:events';
import WebSocket from 'ws';

interface Liked {
  id: number;
  likes: { id: number }[];
}

/** What the journeys look at. */
export interface HeardPost extends Liked {
  media_files: { id: number; file: string; hls_url: string | null; sizes?: number[] }[];
  comments: (Liked & { comment: string; replyes: (Liked & { reply: string })[] })[];
}

export interface Listener extends AsyncDisposable {
  /** Resolves with the first frame, of those so far and to come, whose post is like this. */
  hear(isWanted: (post: HeardPost) => boolean): Promise<HeardPost>;
  /** Resolves when the socket is closed, from whichever side. */
  readonly closed: Promise<unknown>;
}

export async function listen(base: string, origin = 'http://localhost:3000'): Promise<Listener> {
  const socket = new WebSocket(`${base.replace('http', 'ws')}/ws/posts/likes/`, { origin });
  const heard: HeardPost[] = [];
  const waiting = new Set<() => void>();
  socket.on('message', (data) => {
    const frame = JSON.parse((data as Buffer).toString()) as { post_id: number; post: HeardPost };
    if (frame.post_id !== frame.post.id) throw new Error('a frame names another post than it carries');
    heard.push(frame.post);
    for (const look of [...waiting]) look();
  });
  const closed = once(socket, 'close');
  await once(socket, 'open');
  return {
    closed,
    async hear(isWanted) {
      return new Promise((resolve) => {
        const look = (): void => {
          const post = heard.find(isWanted);
          if (!post) return;
          waiting.delete(look);
          resolve(post);
        };
        waiting.add(look);
        look();
      });
    },
    async [Symbol.asyncDispose]() {
      socket.terminate();
      await closed;
    },
  };
}
