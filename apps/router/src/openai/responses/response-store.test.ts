import { beforeEach, describe, expect, it } from 'vitest';
import type { ResponseObject } from './response-object.js';
import { ResponseStore, type StoredResponse } from './response-store.js';

function stored(id: string, text = '', apiKeyName: string | null = null): StoredResponse {
  const output: ResponseObject['output'] = [
    { type: 'function_call', id: 'fc_1', call_id: 'c', name: 'f', arguments: '', status: 'completed' },
  ];
  const response = { id, output, status: 'completed', previous_response_id: null } as Partial<ResponseObject> as ResponseObject;
  return { response, input: [{ type: 'message', id: 'msg_1', role: 'user', content: text }], apiKeyName };
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
    for (const id of ['0', '1', '2', '3', '4', '5', '6']) store.delete(`id${id}`);
    expect([store.size, store.sizeBytes]).toEqual([0, 0]);
  });

  it('does not keep one that is larger than the limit, and keeps the others', () => {
    const store = storeOf({ maxBytes: 1000 });
    store.put(stored('a'));
    store.put(stored('b'));
    store.put(stored('large', 'x'.repeat(2000)));
    store.put(stored('b', 'x'.repeat(2000)));
    expect(['a', 'b', 'large'].filter((id) => store.get(id) !== undefined)).toEqual(['a']);
  });

  it('knows of a turn what it needs without reading its items', () => {
    const store = storeOf({});
    store.put(stored('a', 'Ümlaut', 'key'));
    const { input, response } = stored('a', 'Ümlaut');
    const itemBytes = Buffer.byteLength(JSON.stringify({ input, output: response.output }));
    const turn = store.turn('a')!;
    expect(turn).toMatchObject({ apiKeyName: 'key', status: 'completed', previousId: null, numItems: 2, itemBytes });
    expect(turn.items()).toEqual([...input, ...response.output]);
    expect(store.turn('b')).toBeUndefined();
  });

  it('lets the key that has most of them make room, in number', () => {
    const store = storeOf({});
    store.put(stored('b1', '', 'b'));
    for (const id of ['a1', 'a2', 'a3', 'a4']) store.put(stored(id, '', 'a'));
    expect(['a1', 'a2', 'a3', 'a4', 'b1'].filter((id) => store.get(id) !== undefined)).toEqual(['a3', 'a4', 'b1']);
  });

  it('lets the key that has most of them make room, in bytes', () => {
    const store = storeOf({ maxResponses: 100, maxBytes: 5000 });
    for (const id of ['b1', 'b2', 'b3']) store.put(stored(id, 'x'.repeat(100), 'b'));
    for (let index = 0; index < 20; index++) store.put(stored(`a${index}`, 'x'.repeat(1000), 'a'));
    expect(['b1', 'b2', 'b3'].filter((id) => store.get(id) !== undefined)).toHaveLength(3);
    expect(store.get('a19')).toBeDefined();
    expect(store.get('a0')).toBeUndefined();
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
