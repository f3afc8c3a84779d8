import { text } from 'node:stream/consumers';
import { ShardUnavailableError } from '@ringmesh/core';
import { describe, expect, it } from 'vitest';
import { eventStream } from './sse.js';

const ignore = (): void => {};

async function* chunks(...items: (object | Error)[]): AsyncGenerator<object, void> {
  for (const item of items) {
    if (item instanceof Error) throw item;
    yield item;
  }
}

describe('eventStream', () => {
  it('writes an event a chunk and [DONE]', async () => {
    expect(await text(await eventStream(chunks({ a: 1 }, { b: 'é\n' }), ignore))).toBe(
      'data: {"a":1}\n\ndata: {"b":"é\\n"}\n\ndata: [DONE]\n\n',
    );
  });

  it('throws what fails before the first chunk', async () => {
    await expect(eventStream(chunks(new ShardUnavailableError('shard 3')), ignore)).rejects.toMatchObject({ code: 'shard_unavailable' });
  });

  it('ends with an error event, and without [DONE], when it fails later', async () => {
    const errors: unknown[] = [];
    const written = await text(await eventStream(chunks({ a: 1 }, new ShardUnavailableError('shard 3')), (error) => errors.push(error)));
    const error = { message: 'shard 3', type: 'server_error', param: null, code: 'shard_unavailable' };
    expect(written).toBe(`data: {"a":1}\n\ndata: ${JSON.stringify({ error })}\n\n`);
    expect(errors).toHaveLength(1);
  });

  it('makes no more chunks than a slow reader needs', async () => {
    let made = 0;
    const endless = (async function* () {
      for (;;) yield { number: made++, filler: 'x'.repeat(1000) };
    })();
    const stream = await eventStream(endless, ignore);
    const readable = new Promise((resolve) => stream.once('readable', resolve));
    stream.read(0);
    await readable;
    await new Promise(setImmediate);
    expect(made).toBeLessThan(40);
    stream.destroy();
  });

  it('returns the chunks when it is closed before anyone read it', async () => {
    const returned = Promise.withResolvers<string>();
    const source = (async function* () {
      try {
        for (;;) yield {};
      } finally {
        returned.resolve('returned');
      }
    })();
    (await eventStream(source, ignore)).destroy();
    expect(await returned.promise).toBe('returned');
  });
});
