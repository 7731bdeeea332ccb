// People who use a site all at once, and what they were told was done.
import { call, type Person, say, sendChunk } from './classic-client.ts';
import { makeFile } from './classic-uploads.ts';

export const CHUNK = 65_536;

/** What people were told was done. */
export interface Acknowledged {
  talks: { postId: number; text: string }[];
  deleted: number[];
  uploads: { file: Buffer; filename: string; offset: number; mediaId: number; closed: boolean }[];
  pictures: number;
}

/** They write, replace, delete and upload until they are stopped; `picture` is a data URL. */
export function startCrowd(
  base: string,
  { ann, ben, picture }: { ann: Person; ben: Person; picture: string },
) {
  const log: Acknowledged = { talks: [], deleted: [], uploads: [], pictures: 0 };
  let stopped = false;
  let tell = (): void => undefined;

  async function post(path: string, person: Person, body: object): Promise<void> {
    const answer = await call(base, `/api/${path}`, { token: person.access, body });
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
  }
  async function talk(): Promise<void> {
    const text = `words ${log.talks.length}`;
    const postId = await say(base, ann, text);
    await post('posts/post/add/comment/', ben, { postID: postId, commentContent: `on ${text}` });
    await post('posts/post/add/like/', ben, { postID: postId });
    log.talks.push({ postId, text });
  }
  async function replacePicture(): Promise<void> {
    await post('users/author/update/', ben, { profile_image: picture, cover_image: picture });
    log.pictures += 1;
  }
  async function showAndDelete(): Promise<void> {
    const postID = await say(base, ben, 'a picture, for a moment');
    await post('posts/post/add/media/image/', ben, { postID, imageBase64: picture });
    await call(base, `/api/posts/post/delete/${postID}`, { token: ben.access });
    log.deleted.push(postID);
  }
  async function upload(): Promise<void> {
    const file = makeFile(4 * CHUNK);
    const begun = { file, filename: `${log.uploads.length}.mp4`, offset: 0, mediaId: 0, closed: false };
    const index = log.uploads.push(begun) - 1;
    while (begun.offset < file.length && !stopped) {
      const bytes = file.subarray(begun.offset, begun.offset + CHUNK);
      const answer = await sendChunk(base, ann, { ...begun, bytes });
      begun.mediaId = answer.json.id;
      begun.offset += bytes.length;
    }
    // Every second one stays open.
    if (begun.offset < file.length || index % 2 === 0) return;
    const postID = await say(base, ann, 'a video');
    await post('posts/post/add/media/video/finalize/', ann, { postID, videoID: begun.mediaId });
    begun.closed = true;
  }
  const loops = [talk, replacePicture, showAndDelete, upload].map(async (act) => {
    while (!stopped) {
      await act();
      tell();
    }
  });
  return {
    log,
    /** Resolves when the log is as wanted. */
    until: (wanted: (log: Acknowledged) => boolean) =>
      new Promise<void>((resolve) => {
        tell = () => wanted(log) && resolve();
      }),
    async stop() {
      stopped = true;
      await Promise.all(loops);
    },
  };
}
