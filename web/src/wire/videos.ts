// What belongs to a video beside its stream: another try, and the small pictures of its course.
import { ask } from './requests.ts';

export async function retryVideo(postId: number, videoId: number): Promise<void> {
  const json = { postID: postId, videoID: videoId };
  await ask('/api/posts/post/add/media/video/retry/', { method: 'POST', json });
}

/** A small picture on a sheet of them, for a time of the video. */
export interface Scene {
  /** Seconds. */
  from: number;
  until: number;
  /** Address of the sheet. */
  sheet: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

const CUE = /^([\d:.]+) --> ([\d:.]+)\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)$/gm;

/** `address` is that of a WebVTT list. */
export async function loadStoryboard(address: string): Promise<Scene[]> {
  const answer = await fetch(address);
  return answer.ok ? readStoryboard(await answer.text(), answer.url) : [];
}

export function readStoryboard(text: string, base: string): Scene[] {
  return [...text.matchAll(CUE)].map(([, from = '', until = '', sheet = '', ...place]) => {
    const [x = 0, y = 0, width = 0, height = 0] = place.map(Number);
    return {
      from: readClock(from),
      until: readClock(until),
      sheet: new URL(sheet, base).href,
      x,
      y,
      width,
      height,
    };
  });
}

const readClock = (clock: string): number =>
  clock.split(':').reduce((seconds, part) => 60 * seconds + Number(part), 0);
