// What took how long, and within what. Names and attributes say the kind of thing it was; values that people sent are in none.

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanDescription {
  name: string;
  kind?: 'server' | 'client' | 'consumer' | 'internal';
  attributes?: Attributes;
}

/** A span whose end comes somewhere else than its beginning. */
export interface OpenSpan {
  /** What follows from `next` is within the span. */
  enter(next: () => void): void;
  end(result: { attributes: Attributes; failed: boolean }): void;
}

export interface Tracing extends AsyncDisposable {
  readonly isOn: boolean;
  /** `parent`: the `traceparent` of somebody who is trusted (W3C Trace Context). */
  begin(span: SpanDescription, parent: string | undefined): OpenSpan;
  /** Runs `work` within a span, which fails with it. */
  within<T>(span: SpanDescription, work: () => Promise<T>): Promise<T>;
  /** A span that is over now. */
  note(span: SpanDescription, how: { ms: number; failed: boolean }): void;
}

export interface TracingSettings {
  /** The collector's address, without `/v1/traces`. */
  endpoint: string;
  headers: Record<string, string>;
  serviceName: string;
}

export const noTracing: Tracing = {
  isOn: false,
  begin: () => ({ enter: (next) => next(), end: () => undefined }),
  within: async (_span, work) => work(),
  note: () => undefined,
  async [Symbol.asyncDispose]() {},
};
