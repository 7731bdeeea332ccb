import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeVideoFolder } from '../../../../test/support/published-videos.ts';
import { createCutter } from './segments.ts';

test('fragments that last no time are not gathered without end', async () => {
  const folder = await makeVideoFolder();
  const path = join(folder, 'fragments.mp4');
  const fragment = [
    Buffer.from('000000086d6f6f66', 'hex'),
    Buffer.from('020000006d646174', 'hex'),
    Buffer.alloc(0x2000000 - 8),
  ];
  await writeFile(path, [...fragment, ...fragment]);
  await expect(createCutter({ path, folder, run: 'a' }).cut(false).next()).rejects.toMatchObject({
    code: 'video_damaged',
  });
  await rm(folder, { recursive: true });
});
