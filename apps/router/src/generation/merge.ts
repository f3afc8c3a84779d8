/** Says which of several sources a value comes from. */
export interface Indexed<T> {
  index: number;
  value: T;
}

type Settled<T> = { index: number; result: IteratorResult<T, void> } | { error: unknown };

/**
 * Interleaves sources in the order in which their values come. At most one value of each source is held, so a slow consumer holds them all
 * back. When one fails or the consumer leaves, the others are returned; what makes a waiting source end at once is the caller's signal.
 */
export async function* merge<T>(sources: AsyncGenerator<T, void>[]): AsyncGenerator<Indexed<T>, void> {
  const settled: Settled<T>[] = [];
  let wake = (): void => {};
  const settle = (outcome: Settled<T>): void => {
    settled.push(outcome);
    wake();
  };
  const pull = (source: AsyncGenerator<T, void>, index: number): void => {
    source.next().then(
      (result) => settle({ index, result }),
      (error: unknown) => settle({ error }),
    );
  };

  sources.forEach(pull);
  let open = sources.length;
  try {
    while (open > 0) {
      const next = settled.shift();
      if (next === undefined) {
        await new Promise<void>((resolve) => (wake = resolve));
      } else if ('error' in next) {
        throw next.error;
      } else if (next.result.done) {
        open--;
      } else {
        pull(sources[next.index]!, next.index);
        yield { index: next.index, value: next.result.value };
      }
    }
  } finally {
    // Not awaited: a source that waits for the engine returns only once the caller's signal, aborted after this, ends its wait.
    void Promise.allSettled(sources.map((source) => source.return()));
  }
}
