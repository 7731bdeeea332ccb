// What a phone's photograph costs: CPU and bytes of the file that a request makes, and of each rendition that the job makes.
//   node bench/pictures.ts [--source photo.jpg] [--rounds 1]
// Take a photograph: what is made up for want of one has the size of one and no edges.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createPictures } from '../src/platform/pictures/pictures.ts';
import type { RenditionFormat } from '../src/platform/pictures/renditions.ts';
import { paintPhoto } from '../test/support/photos.ts';
import { print, row } from './processes.ts';

const WIDTHS = [320, 640, 1_280, 2_048];
const { values } = parseArgs({
  options: { source: { type: 'string' }, rounds: { type: 'string', default: '1' } },
});
const pictures = createPictures({
  ...{ maxBytes: 20e6, maxPixels: 40e6, maxFrames: 200, concurrency: 1, timeoutSeconds: 60 },
});
const folder = await mkdtemp(join(tmpdir(), 'veranda-bench-'));
const source = values.source ? await readFile(values.source) : await paintOne();
const stored = join(folder, 'stored');

for (let round = 0; round < Number(values.rounds); round += 1) {
  print(`\nA file of ${(source.length / 1e6).toFixed(2)} MB\n`);
  print(row(['made', 'width', 'CPU s', 'kB']));
  print(row(['---', '---:', '---:', '---:']));
  const { made, cpu } = await measure(() =>
    pictures.normalise(source, { width: 2_048, height: 2_048, mode: 'inside' }),
  );
  await writeFile(stored, made.bytes);
  tell({ name: `by the request: ${made.extension}`, width: made.width, cpu, bytes: made.bytes.length });
  for (const format of ['webp', 'avif'] as const) await tellEach(format);
}
await rm(folder, { recursive: true, force: true });

async function tellEach(format: RenditionFormat): Promise<void> {
  let [seconds, bytes] = [0, 0];
  const each = pictures.render(stored, { format, widths: WIDTHS })[Symbol.asyncIterator]();
  for (;;) {
    const { made, cpu } = await measure(() => each.next());
    if (made.done) break;
    seconds += cpu;
    bytes += made.value.bytes.length;
    tell({ name: `by the job: ${format}`, width: made.value.width, cpu, bytes: made.value.bytes.length });
  }
  tell({ name: `${format}, all`, width: '', cpu: seconds, bytes });
}

async function measure<T>(work: () => Promise<T>): Promise<{ made: T; cpu: number }> {
  const before = process.cpuUsage();
  const made = await work();
  const { user, system } = process.cpuUsage(before);
  return { made, cpu: (user + system) / 1e6 };
}

function tell(line: { name: string; width: number | string; cpu: number; bytes: number }): void {
  print(row([line.name, line.width, line.cpu.toFixed(2), Math.round(line.bytes / 1_000)]));
}

async function paintOne(): Promise<Buffer> {
  return (await paintPhoto({ width: 4_032, height: 3_024 })).jpeg({ quality: 90 }).toBuffer();
}
