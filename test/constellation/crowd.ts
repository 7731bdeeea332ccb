// The people of the crash test before a site that loses parts: they go on whatever happens, and know what is in doubt.
import { setTimeout as delay } from 'node:timers/promises';
import type { Complain } from '../crash/checks.ts';
import type { Ledger } from '../crash/ledger.ts';
import { createRandom } from '../crash/random.ts';
import { send } from '../crash/senders.ts';
import { act, type Scene, UnexpectedAnswer } from '../crash/writers.ts';

export interface Crowd {
  /** Resolves once so many more requests were answered as done. */
  accept(count: number): Promise<void>;
  /** Requests answered as done so far. */
  accepted(): number;
  /** Resolves when the last request has ended. */
  stop(): Promise<void>;
}

const LOOK_MS = 10;

/**
 * With `strict` no request may fail; else those may that the server or a cut connection failed. Whoever begins an upload takes one
 * of `videos` first.
 */
export function startCrowd(options: {
  base: string;
  ledger: Ledger;
  seed: string;
  complain: Complain;
  strict?: boolean;
  videos?: Buffer[];
}): Crowd {
  const { base, ledger, seed, complain, strict = false, videos = [] } = options;
  let isOver = false;
  let names = 0;
  ledger.touched.clear();

  async function repeat(step: () => Promise<void>): Promise<void> {
    while (!isOver) {
      await step().catch(async (error: unknown) => {
        const isFault = strict || (error instanceof UnexpectedAnswer && !error.message.startsWith('5'));
        if (isFault)
          complain(error instanceof Error ? `${error.message} ${String(error.cause)}` : String(error));
        await delay(LOOK_MS);
      });
    }
  }

  const lanes = ledger.writers.flatMap((writer) => {
    const open = (lane: string): Scene => ({
      ...{ base, ledger, writer },
      random: createRandom(`${seed}/${writer.username}/${lane}`),
      name: () => `${seed.replaceAll(/\W/g, '-')}-${(names += 1)}`,
    });
    const [words, files] = [open('words'), open('files')];
    return [() => act(words), () => send(files, videos)];
  });
  const running = lanes.map(repeat);
  return {
    async accept(count) {
      const wanted = ledger.acknowledged + count;
      while (ledger.acknowledged < wanted) await delay(LOOK_MS);
    },
    accepted: () => ledger.acknowledged,
    async stop() {
      isOver = true;
      await Promise.all(running);
    },
  };
}
