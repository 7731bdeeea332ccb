// What a player reads of a stream at addresses that stay the same while it grows: the master playlist, always made of the rows,
// and the playlist of a track, made of rows until the track is whole and a blob from then on.
import type { Database } from '../../platform/database/database.ts';
import { readCaptionTracks } from './caption-tracks.ts';
import { findRenditions, findSegments, type RenditionRow } from './stream-rows.ts';
import { I_FRAMES, MASTER, PLAYLIST, toMediaPlaylist } from './videos/listing.ts';
import { type Captions, type Variant, writeMasterPlaylist } from './videos/master-playlist.ts';
import { writeMediaPlaylist } from './videos/playlists.ts';

export interface Streams {
  /** Answers a text that may be another one next time, or the key of a blob; undefined when it is none of these. */
  findPlaylist(key: string): Promise<{ text: string } | { blobKey: string } | undefined>;
}

const ADDRESS = /^(?<prefix>hls\/(?<id>[1-9]\d{0,15})-[0-9a-f]{32})\/(?<rest>.+)$/;
const CAPTIONS = /^captions\/([0-9a-f]{32})\.m3u8$/;

export function createStreams({ database }: { database: Database }): Streams {
  const { read } = database;

  async function findTrack(mediaId: number, name: string): Promise<RenditionRow | undefined> {
    return read
      .selectFrom('renditions')
      .selectAll()
      .where('mediaId', '=', mediaId)
      .where('name', '=', name)
      .where('listedAt', 'is not', null)
      .executeTakeFirst();
  }

  return {
    async findPlaylist(key) {
      const { prefix = '', id = '', rest = '' } = ADDRESS.exec(key)?.groups ?? {};
      if (!rest.endsWith('.m3u8')) return undefined;
      const media = await read
        .selectFrom('media')
        .select(['id', 'captions', 'durationMs'])
        .where('id', '=', Number(id))
        .where('hlsPrefix', '=', prefix)
        .executeTakeFirst();
      if (!media) return undefined;
      const captions = media.durationMs === null ? [] : readCaptionTracks(media.captions);
      if (rest === MASTER) {
        const tracks = await findRenditions(read, media.id);
        return tracks.length === 0 ? undefined : { text: writeMaster(tracks, captions) };
      }
      const caption = captions.find((track) => track.id === CAPTIONS.exec(rest)?.[1]);
      if (caption) return { text: listWhole(`/media/${caption.key}`, (media.durationMs ?? 0) / 1000) };
      const [name = '', file] = rest.split('/');
      const track = await findTrack(media.id, name);
      if (!track) return undefined;
      if (file === I_FRAMES && track.playlistRun)
        return { blobKey: `${prefix}/${name}/${track.playlistRun}-iframes.m3u8` };
      if (file !== PLAYLIST) return undefined;
      if (track.playlistRun) return { blobKey: `${prefix}/${name}/${track.playlistRun}.m3u8` };
      const segments = await findSegments(read, track.id);
      // Whole since the row was read.
      if (segments.length === 0) return this.findPlaylist(key);
      return { text: toMediaPlaylist({ ...toTrack(track), segments, whole: false }) };
    },
  };
}

function writeMaster(
  rows: readonly RenditionRow[],
  captions: readonly { id: string; language: string; label: string }[],
): string {
  const listed = rows.filter(({ listedAt }) => listedAt !== null);
  const sound = listed.find(({ kind }) => kind === 'sound');
  return writeMasterPlaylist({
    variants: listed.filter(({ kind }) => kind !== 'sound').map(toVariant),
    sound: sound && { ...sound, uri: `${sound.name}/${PLAYLIST}` },
    captions: captions.map(({ id, language, label }): Captions => ({
      uri: `captions/${id}.m3u8`,
      language,
      label,
    })),
  });
}

function toVariant(row: RenditionRow): Variant {
  const { name, bandwidth, averageBandwidth, width, height, codecs, framesPerKilosecond } = row;
  return {
    ...{ uri: `${name}/${PLAYLIST}`, bandwidth, averageBandwidth, width, height, codecs },
    frameRate: framesPerKilosecond / 1000,
    iFrames:
      row.finishedAt === null ? undefined : { uri: `${name}/${I_FRAMES}`, bandwidth: row.iFrameBandwidth },
  };
}

const toTrack = (row: RenditionRow) => ({
  ...row,
  kind: row.kind === 'sound' ? ('sound' as const) : ('picture' as const),
  copied: row.kind === 'copy',
  frameRate: row.framesPerKilosecond / 1000,
});

/** A text file that goes for all of the video. */
function listWhole(uri: string, seconds: number): string {
  const text = writeMediaPlaylist({
    targetSeconds: Math.ceil(seconds),
    segments: [{ uri, seconds, init: '' }],
  });
  return text.replace(/^#EXT-X-(?:MAP|INDEPENDENT).*\n/gm, '');
}
