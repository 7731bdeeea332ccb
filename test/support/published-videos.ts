// The way of a video from a file to what is published, without a server.

import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SNIFF_BYTES, sniffVideo } from '../../src/features/media/videos/containers.ts';
import {
  encodeVideo,
  type EncodedVideo,
  type EncodeRequest,
} from '../../src/features/media/videos/encode.ts';
import { probeVideo } from '../../src/features/media/videos/probe.ts';
import { chooseRenditions } from '../../src/features/media/videos/renditions.ts';
import { testFfmpeg } from './videos.ts';

export interface Published {
  encoded: EncodedVideo;
  /** The path of a published file. */
  at: (file: string) => string;
}

/** A directory for one file of tests. */
export async function makeVideoFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'veranda-videos-'));
}

/** Everything that encodeVideo wants, with a work directory beside others in `folder`. */
export async function prepareVideo(
  folder: string,
  source: string,
  more: Partial<EncodeRequest> = {},
): Promise<EncodeRequest> {
  const ffmpeg = more.ffmpeg ?? (await testFfmpeg());
  const container = sniffVideo((await readFile(source)).subarray(0, SNIFF_BYTES));
  if (!container) throw new Error('This is not a video.');
  const directory = await mkdtemp(join(folder, 'work-'));
  const probe = await probeVideo({ ffmpeg, source, directory, container });
  const renditions = probe.video ? chooseRenditions(probe.video) : [];
  return { ffmpeg, source, directory, container, probe, renditions, ...more };
}

export async function publishVideo(
  folder: string,
  source: string,
  more: Partial<EncodeRequest> = {},
): Promise<Published> {
  const request = await prepareVideo(folder, source, more);
  const encoded = await encodeVideo(request);
  return { encoded, at: (file) => join(request.directory, file) };
}
