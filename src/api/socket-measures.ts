// Live connections and what is said over them, whichever door they came in by.
import type { Metrics } from '../platform/metrics/metrics.ts';

export interface SocketMeasures {
  opened(): void;
  closed(): void;
  /** Frames that went out. */
  sent(frames: number): void;
  /** A reader too slow to be waited for was cut off, and with it its frame. */
  dropped(): void;
}

/** Answers the measures of one channel. */
export function createSocketMeasures(metrics: Metrics): (channel: string) => SocketMeasures {
  const open = new Map<string, number>();
  const frames = metrics.counter({
    name: 'veranda_socket_frames_total',
    help: 'Frames to live connections, by whether they were sent or dropped with a reader that was too slow.',
    labels: ['channel', 'outcome'],
  });
  metrics.gauge(
    { name: 'veranda_sockets_open', help: 'Live connections to this process.', labels: ['channel'] },
    () => [...open].map(([channel, value]) => ({ labels: { channel }, value })),
  );
  return (channel) => {
    const change = (by: number): void => void open.set(channel, (open.get(channel) ?? 0) + by);
    change(0);
    return {
      opened: () => change(1),
      closed: () => change(-1),
      sent: (count) => frames.add({ channel, outcome: 'sent' }, count),
      dropped: () => frames.add({ channel, outcome: 'dropped' }),
    };
  };
}
