import { QueueFullError, ShardUnavailableError } from '@ringmesh/core';
import { createLogger } from '@ringmesh/telemetry';
import { beforeEach, describe, expect, it } from 'vitest';
import type { TextEvent } from '../../generation/generate-text.js';
import type { Indexed } from '../../generation/merge.js';
import { testBuilder } from '../../testing/response-builder.js';
import { BackgroundResponses } from './background-responses.js';
import type { ResponseObject } from './response-object.js';
import { ResponseStore } from './response-store.js';

const ID = 'resp_1';
const STARTED: TextEvent = { type: 'started', queueSeconds: 0, cachedTokens: 0 };
const FINISHED: TextEvent = { type: 'finished', text: '', reason: 'stop', stopReason: null };
const token = (text: string): TextEvent => ({ type: 'token', text, tokenId: 1 });

/** A generation that goes on as it is told, or fails. */
class Generation {
  private steps: PromiseWithResolvers<TextEvent>[] = [];
  private numAsked = 0;
  private numTold = 0;

  tell(event: TextEvent): void {
    this.step(this.numTold++).resolve(event);
  }

  fail(error: Error): void {
    this.step(this.numTold++).reject(error);
  }

  async *events(signal: AbortSignal): AsyncGenerator<Indexed<TextEvent>, void> {
    signal.addEventListener('abort', () => {
      if (this.numAsked > this.numTold) this.fail(signal.reason as Error);
    });
    for (;;) {
      const value = await this.step(this.numAsked++).promise;
      yield { index: 0, value };
      if (value.type === 'finished') return;
    }
  }

  private step(index: number): PromiseWithResolvers<TextEvent> {
    return (this.steps[index] ??= Promise.withResolvers());
  }
}

let store: ResponseStore;
let background: BackgroundResponses;
let generation: Generation;
beforeEach(() => {
  store = new ResponseStore({ maxResponses: 10, maxBytes: 2 ** 20, ttlMs: 1000 }, () => 0);
  background = new BackgroundResponses(store, createLogger({ name: 'test', level: 'silent' }));
  generation = new Generation();
});

const start = (): Promise<ResponseObject> =>
  background.start({ builder: testBuilder(), input: [], apiKeyName: 'a' }, (signal) => generation.events(signal));
const settle = (): Promise<void> => new Promise(setImmediate);

describe('BackgroundResponses', () => {
  it('are there while they are made, and then in the store', async () => {
    expect((await start()).status).toBe('queued');
    for (const event of [STARTED, token('Hi')]) generation.tell(event);
    await settle();
    expect(background.get(ID)).toMatchObject({
      apiKeyName: 'a',
      response: { status: 'in_progress', output: [{ content: [{ text: 'Hi' }] }] },
    });
    expect(store.get(ID)).toBeUndefined();
    generation.tell(FINISHED);
    await settle();
    expect(background.get(ID)).toBeUndefined();
    expect(store.get(ID)).toMatchObject({ apiKeyName: 'a', response: { status: 'completed', output: [{ content: [{ text: 'Hi' }] }] } });
  });

  it('that are refused at once are an error, and nothing is left', async () => {
    generation.fail(new QueueFullError('full'));
    await expect(start()).rejects.toThrow(QueueFullError);
    expect([background.get(ID), store.size]).toEqual([undefined, 0]);
  });

  it('that fail later are kept as failed', async () => {
    await start();
    generation.tell(STARTED);
    generation.fail(new ShardUnavailableError('shard 3'));
    await settle();
    expect(store.get(ID)!.response).toMatchObject({ status: 'failed', error: { code: 'server_error', message: 'shard 3' } });
  });

  it('stay cancelled, whatever comes after', async () => {
    await start();
    generation.tell(STARTED);
    generation.tell(token('Hi'));
    await settle();
    generation.tell(FINISHED);
    expect(background.cancel(ID)).toMatchObject({ status: 'cancelled', output: [{ status: 'incomplete' }] });
    await settle();
    expect(store.get(ID)!.response.status).toBe('cancelled');
    expect(background.cancel(ID)).toBeUndefined();
  });
});
