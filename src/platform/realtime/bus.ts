// The bus tells every node that something changed. It is a hint that may be lost: the truth is in the tables,
// and whoever was away reads them again.

/** An address in the bus and the type of what travels there. Made only in topics.ts. */
export interface Topic<Message> {
  readonly name: string;
  readonly message?: Message;
}

export interface Bus extends AsyncDisposable {
  /** Returns at once; delivery comes later and its failures never reach the publisher. */
  publish<Message>(topic: Topic<Message>, message: Message): void;
  /** Answers the function that ends the subscription. */
  subscribe<Message>(topic: Topic<Message>, listener: (message: Message) => void): () => void;
}
