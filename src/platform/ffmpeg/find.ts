// Finds an ffmpeg that can do the work: the operator's, else the system's, else the one that came through npm.
// What is returned has been run once, has an H.264 and an AAC encoder, and carries a tested sandbox.

import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { findExecutable, testSandbox, type Sandbox } from './sandbox.ts';

export interface Ffmpeg {
  ffmpeg: string;
  ffprobe: string;
  /** As the program says it, e.g. `5.1.9-0+deb12u1`. */
  version: string;
  /** From npm: a build of 2018. Files of strangers deserve a maintained one, so the start should warn. */
  bundled: boolean;
  /** Names of the filters that this build has; `tonemap` and `zscale` come with few of them. */
  filters: ReadonlySet<string>;
  sandbox: Sandbox;
}

/** The program that was asked for by its path is none, or cannot do the work. */
export class UnusableFfmpeg extends Error {
  override readonly name = 'UnusableFfmpeg';
}

interface Programs {
  ffmpeg: string;
  ffprobe: string;
}

const run = promisify(execFile);
const ANSWER_MS = 20_000;

/**
 * `search` is a PATH value. Answers undefined where there is none: video is then switched off.
 * Throws UnusableFfmpeg naming the path when an explicit one does not work.
 */
export async function findFfmpeg(wanted: {
  ffmpegPath?: string | undefined;
  ffprobePath?: string | undefined;
  search: string;
}): Promise<Ffmpeg | undefined> {
  const { search } = wanted;
  if (wanted.ffmpegPath ?? wanted.ffprobePath) {
    try {
      return await complete(await explicitPrograms(wanted), { search, bundled: false });
    } catch (cause) {
      throw new UnusableFfmpeg(cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }
  for (const candidate of [systemPrograms, bundledPrograms]) {
    const programs = await candidate(search);
    if (!programs) continue;
    const found = await complete(programs, { search, bundled: candidate === bundledPrograms }).catch(
      () => undefined,
    );
    if (found) return found;
  }
  return undefined;
}

async function explicitPrograms(wanted: {
  ffmpegPath?: string | undefined;
  ffprobePath?: string | undefined;
  search: string;
}): Promise<Programs> {
  const { ffmpegPath, ffprobePath, search } = wanted;
  const at = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(path);
  const sibling =
    ffmpegPath === undefined ? undefined : await findExecutable('ffprobe', dirname(resolve(ffmpegPath)));
  const ffmpeg = await findExecutable(at(ffmpegPath) ?? 'ffmpeg', search);
  if (!ffmpeg)
    throw new Error(`There is no ffmpeg that can be run at ${ffmpegPath ?? 'any folder of PATH'}.`);
  const ffprobe =
    ffprobePath === undefined && sibling
      ? sibling
      : await findExecutable(at(ffprobePath) ?? 'ffprobe', search);
  if (!ffprobe)
    throw new Error(
      `There is no ffprobe that can be run at ${ffprobePath ?? `${dirname(ffmpeg)} or on PATH`}.`,
    );
  return { ffmpeg, ffprobe };
}

async function systemPrograms(search: string): Promise<Programs | undefined> {
  const ffmpeg = await findExecutable('ffmpeg', search);
  const ffprobe = await findExecutable('ffprobe', search);
  return ffmpeg && ffprobe ? { ffmpeg, ffprobe } : undefined;
}

async function bundledPrograms(): Promise<Programs | undefined> {
  const platform = `${process.platform}-${process.arch}`;
  const suffix = process.platform === 'win32' ? '.exe' : '';
  try {
    const ffmpeg = join(
      packageFolder('@ffmpeg-installer/ffmpeg', `@ffmpeg-installer/${platform}`),
      `ffmpeg${suffix}`,
    );
    const ffprobe = join(
      packageFolder('@ffprobe-installer/ffprobe', `@ffprobe-installer/${platform}`),
      `ffprobe${suffix}`,
    );
    // The packages set this bit in an install script, and those are often not run. On a read-only tree it may be set already.
    await Promise.all([ffmpeg, ffprobe].map((program) => chmod(program, 0o755).catch(() => undefined)));
    return { ffmpeg, ffprobe };
  } catch {
    return undefined;
  }
}

/** The binaries are in a package of the platform, which only their front package can surely see. */
function packageFolder(front: string, platform: string): string {
  const fromFront = createRequire(createRequire(import.meta.url).resolve(`${front}/package.json`));
  return dirname(fromFront.resolve(`${platform}/package.json`));
}

async function complete(programs: Programs, from: { search: string; bundled: boolean }): Promise<Ffmpeg> {
  const [version] = await Promise.all([
    readVersion(programs.ffmpeg, 'ffmpeg'),
    readVersion(programs.ffprobe, 'ffprobe'),
  ]);
  const list = async (what: string): Promise<Set<string>> =>
    listNames(await ask(programs.ffmpeg, ['-hide_banner', what]));
  const [encoders, filters, sandbox] = await Promise.all([
    list('-encoders'),
    list('-filters'),
    testSandbox(from.search, [programs.ffmpeg, programs.ffprobe]),
  ]);
  if (!encoders.has('libx264') || !encoders.has('aac')) {
    throw new Error(`The ffmpeg at ${programs.ffmpeg} cannot write H.264 with libx264 and AAC.`);
  }
  return { ...programs, version, bundled: from.bundled, filters, sandbox };
}

async function readVersion(program: string, name: string): Promise<string> {
  const version = new RegExp(`^${name} version (\\S+)`).exec(await ask(program, ['-version']))?.[1];
  if (!version) throw new Error(`The program at ${program} is not ${name}.`);
  return version;
}

async function ask(program: string, args: string[]): Promise<string> {
  try {
    return (
      await run(program, args, {
        timeout: ANSWER_MS,
        killSignal: 'SIGKILL',
        env: {},
        maxBuffer: 4 * 1024 * 1024,
      })
    ).stdout;
  } catch (cause) {
    throw new Error(`The program at ${program} does not run.`, { cause });
  }
}

/** `-encoders` and `-filters` print flags, a name, and a description in columns. */
function listNames(table: string): Set<string> {
  return new Set([...table.matchAll(/^ [A-Z.|]{2,6} +(\S+)/gm)].map((match) => match[1] ?? ''));
}
