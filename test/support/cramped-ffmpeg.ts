// The real ffmpeg on a disk that is full for some of what it makes, until there is room.

import { chmod, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ffmpeg } from '../../src/platform/ffmpeg/find.ts';
import { testFfmpeg } from './videos.ts';

export interface CrampedFfmpeg {
  ffmpeg: Ffmpeg;
  giveRoom(): Promise<void>;
}

/** Files that it is to write and that look so (a pattern of the shell) are put where no byte finds room. Its program lies in `folder`. */
export async function crampFfmpeg(folder: string, pattern: string): Promise<CrampedFfmpeg> {
  const found = await testFfmpeg();
  const program = join(folder, 'ffmpeg');
  const write = async (more: string): Promise<void> => {
    await writeFile(`${program}.new`, `#!/bin/sh\n${more}\nexec ${found.ffmpeg} "$@"\n`);
    await chmod(`${program}.new`, 0o755);
    await rename(`${program}.new`, program);
  };
  await write(`for file; do case "$file" in ${pattern}) /bin/ln -sf /dev/full "$file";; esac; done`);
  return { ffmpeg: { ...found, ffmpeg: program }, giveRoom: () => write('') };
}
