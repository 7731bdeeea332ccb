// The single files beside the stream: one MP4 for players without HLS, and one still picture. Neither costs an encode.

import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { FfmpegFailed, runFfmpeg } from '../../../platform/ffmpeg/run.ts';
import type { Ffmpeg } from '../../../platform/ffmpeg/find.ts';
import type { RunLimits } from '../../../platform/ffmpeg/sandbox.ts';
import { canCopyToFile } from './copying.ts';
import type { VideoContainer } from './containers.ts';
import { ANONYMOUS, NO_MESSAGES } from './encode-arguments.ts';
import type { HeadStart } from './head-start.ts';
import type { VideoLimits } from './limits.ts';
import type { VideoProbe } from './probe-report.ts';
import { sourceArguments } from './source-arguments.ts';

export interface Work {
  ffmpeg: Ffmpeg;
  directory: string;
  limits: RunLimits;
  signal?: AbortSignal | undefined;
  /** Only when nobody else wants the processor. */
  idle?: boolean;
  headStart?: HeadStart | undefined;
}

export interface Source {
  source: string;
  container: VideoContainer;
  probe: VideoProbe;
  videoLimits: VideoLimits;
}

const PARTIAL = 'partial.mp4';

/** Copies the source's tracks if browsers play them; false if not, or if that fails. */
export async function copyToFile(work: Work, from: { source: Source; to: string }): Promise<boolean> {
  const { source, to } = from;
  if (!canCopyToFile(source)) return false;
  const { video, audio } = source.probe;
  try {
    await remux(work, {
      input: sourceArguments({ ...source, limits: source.videoLimits }),
      maps: [`0:${video?.index ?? 0}`, ...(audio ? [`0:${audio.index}`] : [])],
      readable: [source.source],
      to,
    });
    return true;
  } catch (error) {
    // Odd but playable files can fail to be copied; their encoded form does not.
    if (!(error instanceof FfmpegFailed) || error.reason !== 'exit') throw error;
    return false;
  }
}

/** Picture and sound, which are files of ours, into one. */
export async function joinToFile(
  work: Work,
  from: { picture: string; sound?: string | undefined; to: string },
): Promise<void> {
  const { picture, sound, to } = from;
  const open = (path: string): string[] => ['-protocol_whitelist', 'file', '-f', 'mov', '-i', path];
  await remux(work, {
    input: [...open(picture), ...(sound === undefined ? [] : open(sound))],
    maps: ['0:v:0', ...(sound === undefined ? [] : ['1:a:0'])],
    readable: sound?.startsWith('/') ? [sound] : [],
    to,
  });
}

async function remux(
  work: Work,
  from: { input: string[]; maps: string[]; readable: string[]; to: string },
): Promise<void> {
  const maps = from.maps.flatMap((map) => ['-map', map]);
  const options = [...maps, '-c', 'copy', ...ANONYMOUS, ...NO_MESSAGES, '-movflags', '+faststart'];
  await runAlone(work, {
    args: [...from.input, ...options, '-f', 'mp4', PARTIAL],
    readable: from.readable,
  });
  await rename(join(work.directory, PARTIAL), join(work.directory, from.to));
}

export async function runAlone(work: Work, command: { args: string[]; readable: string[] }): Promise<void> {
  const { ffmpeg, directory, limits, signal, idle } = work;
  const args = ['-nostdin', '-hide_banner', '-y', '-v', 'error', '-nostats', ...command.args];
  await runFfmpeg({
    ...{ ffmpeg, program: 'ffmpeg', args, cwd: directory, readable: command.readable },
    ...{ limits, signal, idle },
  });
}
