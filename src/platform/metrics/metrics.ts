// What is counted, without who counts it. Names, units and labels follow Prometheus' conventions; the values of a label come from
// a small fixed set, never from what somebody sent.

export interface Description<Label extends string = never> {
  name: `veranda_${string}`;
  help: string;
  labels?: readonly Label[];
}

type Labels<Label extends string> = Readonly<Record<Label, string>>;

export interface Counter<Label extends string> {
  add(labels: Labels<Label>, by?: number): void;
}

export interface Histogram<Label extends string> {
  observe(labels: Labels<Label>, seconds: number): void;
}

export interface Sample<Label extends string> {
  labels: Labels<Label>;
  value: number;
}

export interface Metrics {
  counter<Label extends string = never>(description: Description<Label>): Counter<Label>;
  /** `buckets`: upper bounds in seconds. */
  histogram<Label extends string = never>(
    description: Description<Label>,
    buckets: readonly number[],
  ): Histogram<Label>;
  /** `read` is asked at each scrape; what it cannot say then is left out. */
  gauge<Label extends string = never>(
    description: Description<Label>,
    read: () => readonly Sample<Label>[] | Promise<readonly Sample<Label>[]>,
  ): void;
  write(): Promise<{ type: string; text: string }>;
}

/** Where nobody asks, nothing is counted. */
export const noMetrics: Metrics = {
  counter: () => ({ add: () => undefined }),
  histogram: () => ({ observe: () => undefined }),
  gauge: () => undefined,
  write: async () => ({ type: 'text/plain', text: '' }),
};
