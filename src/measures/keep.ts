// An answer that is looked up once for all who ask within some time.

export function keepFor<T>(milliseconds: number, look: () => Promise<T>): () => Promise<T> {
  let kept: { at: number; answer: Promise<T> } | undefined;
  return async () => {
    const now = performance.now();
    if (!kept || now - kept.at > milliseconds) kept = { at: now, answer: look() };
    return kept.answer;
  };
}
