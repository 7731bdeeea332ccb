// Wakes the workers of every node when a job was written: this one at once, the others by the bus, where a burst is told once at
// its beginning and once at its end.
import type { Bus } from '../realtime/bus.ts';
import { topics } from '../realtime/topics.ts';
import type { Jobs } from './jobs.ts';

const BURST_MS = 100;

/** A hint that may be lost, as workers also look by themselves. */
export function spreadWakeUps({ jobs, bus, wake }: { jobs: Jobs; bus: Bus; wake: () => void }): void {
  let burst: { more: boolean } | undefined;

  function tell(): void {
    if (burst) {
      burst.more = true;
      return;
    }
    const begun = { more: false };
    burst = begun;
    bus.publish(topics.jobs(), {});
    setTimeout(() => {
      burst = undefined;
      if (begun.more) tell();
    }, BURST_MS).unref();
  }

  jobs.onEnqueued(() => {
    wake();
    tell();
  });
  bus.subscribe(topics.jobs(), wake);
  bus.onGap(topics.jobs(), wake);
}
