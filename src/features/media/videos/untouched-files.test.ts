import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeExternalMovie } from '../../../../test/support/external-movies.ts';
import { createFolderSink, makeVideoFolder } from '../../../../test/support/published-videos.ts';
import { traceFfmpeg } from '../../../../test/support/traced-ffmpeg.ts';
import { makeVideo } from '../../../../test/support/videos.ts';
import { runFfmpeg } from '../../../platform/ffmpeg/run.ts';
import { encodeFirst } from './encode.ts';
import type { VideoContainer } from './containers.ts';
import { probeVideo } from './probe.ts';
import { VideoProblem } from './problems.ts';

const MP4: VideoContainer = { container: 'mp4', demuxer: 'mov', extension: 'mp4', mimeType: 'video/mp4' };
/** Where encoders ask for the processors that there are. */
const PROCESSORS = /^\/(?:proc\/(?:self\/status|cpuinfo)|sys\/devices\/system\/(?:cpu|node)\/)/;

let folder: string;
let canary: string;
let count = 0;
/** What both programs open merely to start. */
const ownFiles = new Set<string>();
beforeAll(async () => {
  folder = await makeVideoFolder();
  canary = await makeVideo({ directory: folder, name: 'canary.ts', seconds: 1, sound: 'none' });
});
beforeAll(async () => {
  const { ffmpeg, touched } = await traceFfmpeg({ log: join(folder, 'start.log'), cwd: folder });
  const limits = { wallMs: 20_000, cpuSeconds: 10, memoryBytes: 2 ** 31, outputBytes: 2 ** 30 };
  for (const program of ['ffmpeg', 'ffprobe'] as const)
    await runFfmpeg({ ffmpeg, program, args: ['-version'], cwd: folder, readable: [], limits });
  for (const path of (await touched()) ?? []) ownFiles.add(path);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function dress(text: string): Promise<string> {
  const path = join(folder, 'dressed.mp4');
  await writeFile(path, text);
  return path;
}

const sources: [what: string, make: () => Promise<string>, isVideo: boolean][] = [
  ['a good video', () => makeVideo({ directory: folder, seconds: 1 }), true],
  ['a movie with an alias', async () => (await makeExternalMovie(folder)).path, false],
  [
    'a movie with a file address',
    async () => (await makeExternalMovie(folder, `file://${canary}`)).path,
    false,
  ],
  [
    'a movie with a web address',
    async () => (await makeExternalMovie(folder, 'http://127.0.0.1:9/x')).path,
    false,
  ],
  [
    'a playlist',
    () => dress(`#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${canary}\n#EXT-X-ENDLIST\n`),
    false,
  ],
  ['a concat script', () => dress(`ffconcat version 1.0\nfile '${canary}'\n`), false],
];

// The first look at the bytes refuses the last two; here they come as far as ffmpeg.
test.each(sources)('%s has nothing opened but itself and what is made of it', async (_, make, isVideo) => {
  const source = await make();
  count += 1;
  const directory = join(folder, `work ${count}`);
  await mkdir(directory);
  const { ffmpeg, touched } = await traceFfmpeg({ log: join(folder, `${count}.log`), cwd: directory });
  const request = { ffmpeg, source, directory, container: MP4 };
  const outcome: unknown = await probeVideo(request)
    .then((probe) =>
      encodeFirst({ ...request, probe, sides: [360], run: 'a', sink: createFolderSink(directory) }),
    )
    .catch((error: unknown) => error);
  if (isVideo) expect(outcome).toMatchObject({ width: 640 });
  else expect(outcome).toBeInstanceOf(VideoProblem);
  const ours = (path: string): boolean => path === source || path.startsWith(`${directory}/`);
  const found = (await touched()) ?? [source];
  expect(found).toContain(source);
  const others = found.filter((path) => !ours(path) && !ownFiles.has(path) && !PROCESSORS.test(path));
  expect(others).toEqual([]);
});
