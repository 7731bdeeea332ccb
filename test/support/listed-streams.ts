// Streams as players find them: the playlists at their addresses, and the files that these list.
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import type { TestMedia } from './media.ts';

export async function readPlaylist({ media, storage }: TestMedia, key: string): Promise<string> {
  const found = await media.streams.findPlaylist(key);
  if (found && 'text' in found) return found.text;
  const blob = await storage.blobs.open(found?.blobKey ?? key);
  return blob ? text(blob.read()) : '';
}

/** Whatever the master playlist and those it names list can be fetched. Answers the playlist of each track. */
export async function expectWhole(opened: TestMedia, prefix: string): Promise<Record<string, string>> {
  const master = await readPlaylist(opened, `${prefix}/master.m3u8`);
  const playlists: Record<string, string> = {};
  for (const [, name = ''] of master.matchAll(/^(\w+)\/playlist\.m3u8$/gm)) {
    const playlist = await readPlaylist(opened, `${prefix}/${name}/playlist.m3u8`);
    for (const [file] of playlist.matchAll(/[\w-]+\.(?:m4s|mp4)/g))
      expect((await opened.storage.blobs.open(`${prefix}/${name}/${file}`))?.size, file).toBeGreaterThan(0);
    expect(playlist, name).toContain('#EXTINF');
    playlists[name] = playlist;
  }
  for (const [, address] of master.matchAll(/URI="(\w+\/iframes\.m3u8)"/g))
    expect(await readPlaylist(opened, `${prefix}/${address}`), address).toContain('#EXTINF');
  expect(Object.keys(playlists)).not.toEqual([]);
  return playlists;
}
