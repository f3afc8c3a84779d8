import { beforeEach, describe, expect, it } from 'vitest';
import type { ResponseObject } from './response-object.js';
import { ResponseStore, type StoredResponse } from './response-store.js';

function stored(id: string, text = ''): StoredResponse {
  return { response: { id } as ResponseObject, input: [{ type: 'message', id: 'msg_1', role: 'user', content: text }], apiKeyName: null };
}

let time: number;
beforeEach(() => (time = 0));
const storeOf = (limits: Partial<ConstructorParameters<typeof ResponseStore>[0]>): ResponseStore =>
  new ResponseStore({ maxResponses: 3, maxBytes: 10_000, ttlMs: 100, ...limits }, () => time);

describe('ResponseStore', () => {
  it('gives back what was put, unchanged by whoever changes it', () => {
    const store = storeOf({});
    const value = stored('a', 'Ümlaut');
    store.put(value);
    value.input.pop();
    store.get('a')!.input.pop();
    expect(store.get('a')).toEqual(stored('a', 'Ümlaut'));
    expect(store.get('b')).toBeUndefined();
  });

  it('drops what was used least recently when there are too many', () => {
    const store = storeOf({});
    for (const id of ['a', 'b', 'c']) store.put(stored(id));
    store.get('a');
    store.put(stored('d'));
    expect(['a', 'b', 'c', 'd'].filter((id) => store.get(id) !== undefined)).toEqual(['a', 'c', 'd']);
  });

  it('never holds more bytes than allowed, and knows how many it holds', () => {
    const store = storeOf({ maxResponses: 100, maxBytes: 1000 });
    for (let index = 0; index < 20; index++) {
      store.put(stored(`id${index % 7}`, 'x'.repeat(index * 40)));
      expect(store.sizeBytes).toBeLessThanOrEqual(1000);
    }
    store.put(stored('large', 'x'.repeat(2000)));
    expect(store.get('large')).toBeUndefined();
    expect([store.size, store.sizeBytes]).toEqual([0, 0]);
  });

  it('drops what was not used for its time to live', () => {
    const store = storeOf({});
    store.put(stored('a'));
    store.put(stored('b'));
    time = 99;
    expect(store.get('a')).toBeDefined();
    time = 100;
    expect([store.get('b'), store.size]).toEqual([undefined, 1]);
    time = 199;
    expect(store.get('a')).toBeUndefined();
  });

  it('keeps one of an id, and deletes it once', () => {
    const store = storeOf({});
    store.put(stored('a', '1'));
    store.put(stored('a', '2'));
    expect(store.get('a')).toEqual(stored('a', '2'));
    expect([store.delete('a'), store.delete('a'), store.size, store.sizeBytes]).toEqual([true, false, 0, 0]);
  });

  it('of no responses keeps none', () => {
    const store = storeOf({ maxResponses: 0 });
    store.put(stored('a'));
    expect([store.isEnabled, store.get('a')]).toEqual([false, undefined]);
  });
});
