import { describe, expect, it } from 'vitest';
import { merge } from './merge.js';

/** A source whose values are sent from outside. */
function source<T>(): {
  values: AsyncGenerator<T, void>;
  send: (value: T) => void;
  fail: (error: Error) => void;
  end: () => void;
  pulls: () => number;
} {
  let pulls = 0;
  let waiting: PromiseWithResolvers<IteratorResult<T, void>> = Promise.withResolvers();
  const settle = (use: (next: PromiseWithResolvers<IteratorResult<T, void>>) => void): void => {
    use(waiting);
    waiting = Promise.withResolvers();
  };
  const values = {
    next: () => {
      pulls++;
      return waiting.promise;
    },
    return: () => Promise.resolve({ done: true, value: undefined }),
  } as unknown as AsyncGenerator<T, void>;
  return {
    values,
    send: (value) => settle((next) => next.resolve({ done: false, value })),
    fail: (error) => settle((next) => next.reject(error)),
    end: () => settle((next) => next.resolve({ done: true, value: undefined })),
    pulls: () => pulls,
  };
}

async function* counting(count: number): AsyncGenerator<number, void> {
  for (let value = 0; value < count; value++) yield value;
}

describe('merge', () => {
  it('gives all values of all sources, each in its order', async () => {
    const seen: number[][] = [[], [], []];
    for await (const { index, value } of merge([counting(3), counting(0), counting(5)])) seen[index]!.push(value);
    expect(seen).toEqual([[0, 1, 2], [], [0, 1, 2, 3, 4]]);
  });

  it('does not let a silent source hold up the others', async () => {
    const [silent, lively] = [source<string>(), source<string>()];
    const merged = merge([silent.values, lively.values]);
    const first = merged.next();
    lively.send('a');
    expect(await first).toEqual({ done: false, value: { index: 1, value: 'a' } });
    const second = merged.next();
    silent.send('b');
    expect(await second).toEqual({ done: false, value: { index: 0, value: 'b' } });
  });

  it('pulls no further than one value ahead of its consumer', async () => {
    const only = source<number>();
    const merged = merge([only.values]);
    const first = merged.next();
    only.send(1);
    await first;
    expect(only.pulls()).toBe(2);
  });

  it('fails with the first that fails and returns the others', async () => {
    let isReturned = false;
    const other = (async function* () {
      try {
        for (;;) yield 0;
      } finally {
        isReturned = true;
      }
    })();
    const failing = source<number>();
    const merged = merge([other, failing.values]);
    await merged.next();
    failing.fail(new Error('broken'));
    await expect(
      (async () => {
        for await (const { index } of merged) expect(index).toBe(0);
      })(),
    ).rejects.toThrow('broken');
    await Promise.resolve();
    expect(isReturned).toBe(true);
  });
});
