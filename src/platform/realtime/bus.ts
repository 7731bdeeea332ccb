// The bus tells every node that something changed. It is a hint that may be lost: the truth is in the tables,
// and whoever was away reads them again.

/** An address in the bus and the type of what travels there. Made only in topics.ts. */
export interface Topic<Message> {
  readonly name: string;
  readonly message?: Message;
}

/** Messages of other nodes may have been lost; from now on they come again. */
export interface Gap {
  /** Epoch milliseconds: no message that was published earlier is missing, by the clock of whoever noticed. */
  since: number;
}

export interface Bus extends AsyncDisposable {
  /** Returns at once; delivery comes later and its failures never reach the publisher. */
  publish<Message>(topic: Topic<Message>, message: Message): void;
  /** Answers the function that ends the subscription. */
  subscribe<Message>(topic: Topic<Message>, listener: (message: Message) => void): () => void;
  /**
   * Calls `listener` when messages of the topic, which somebody here subscribes to, may be missing. The same loss may be told
   * more than once. Answers the function that ends it.
   */
  onGap(topic: Topic<unknown>, listener: (gap: Gap) => void): () => void;
}
