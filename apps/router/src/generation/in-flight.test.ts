import { describe, expect, it } from 'vitest';
import { InFlight } from './in-flight.js';

const NEVER = new AbortController().signal;

/** Runs until it is aborted. */
async function* untilAborted(signal: AbortSignal): AsyncGenerator<string, void> {
  yield 'running';
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  signal.throwIfAborted();
}

async function* short(): AsyncGenerator<string, void> {
  yield 'a';
  yield 'b';
}

describe('InFlight', () => {
  it('waits at the end for what runs, and takes nothing new', async () => {
    const inFlight = new InFlight();
    const running = inFlight.run(short, NEVER);
    await running.next();
    let isClosed = false;
    const closed = inFlight.close(60_000).then(() => (isClosed = true));
    expect(() => inFlight.run(short, NEVER)).toThrow(expect.objectContaining({ code: 'shutting_down', retryAfterSeconds: 1 }));
    expect((await running.next()).value).toBe('b');
    expect(isClosed).toBe(false);
    await running.next();
    await closed;
    expect(inFlight.isClosing).toBe(true);
  });

  it('aborts what still runs when its patience ends', async () => {
    const inFlight = new InFlight();
    const running = inFlight.run(untilAborted, NEVER);
    await running.next();
    const rest = expect(running.next()).rejects.toMatchObject({ code: 'shutting_down' });
    await inFlight.close(0);
    await rest;
  });

  it('aborts with the reason of a client that leaves', async () => {
    const client = new AbortController();
    const reason = new Error('gone');
    const running = new InFlight().run(untilAborted, client.signal);
    await running.next();
    const rest = expect(running.next()).rejects.toBe(reason);
    client.abort(reason);
    await rest;
  });

  it('starts with an aborted signal when the client has left before', async () => {
    const running = new InFlight().run(async function* (signal) {
      yield signal.aborted;
    }, AbortSignal.abort());
    expect((await running.next()).value).toBe(true);
  });

  it('aborts when the consumer leaves', async () => {
    let seen: AbortSignal | undefined;
    const running = new InFlight().run(async function* (signal) {
      seen = signal;
      yield 'running';
    }, NEVER);
    await running.next();
    await running.return();
    expect(seen!.aborted).toBe(true);
  });
});
