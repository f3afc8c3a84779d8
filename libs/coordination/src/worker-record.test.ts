import { InvalidOptionError } from '@ringmesh/core';
import { describe, expect, it } from 'vitest';
import { decodeWorkerRecord, encodeWorkerRecord, type WorkerRecord } from './worker-record.js';

const worker: WorkerRecord = {
  id: 'w1',
  address: '[::1]:7001',
  shards: [0, 7, 1023],
  packId: 'p',
  threads: 4,
  device: 'AMD EPYC, AVX512',
  draining: true,
};

describe('worker record', () => {
  it('survives being written and read', () => {
    expect(decodeWorkerRecord('w1', encodeWorkerRecord(worker))).toEqual(worker);
  });

  it('fits its own size limit at every other limit', () => {
    const text = 'é'.repeat(256);
    const largest = { ...worker, id: text, packId: text, device: text, shards: Array.from({ length: 1024 }, (_, shard) => shard) };
    expect(decodeWorkerRecord(text, encodeWorkerRecord(largest))).toEqual(largest);
  });

  it('drops fields that it does not know', () => {
    expect(decodeWorkerRecord('w1', JSON.stringify({ ...worker, later: 1 }))).toEqual(worker);
  });

  it.each<[keyof WorkerRecord, unknown[]]>([
    ['id', ['', 'x'.repeat(257), 1, undefined]],
    ['address', ['', 'host', 'host:', ':1', 'a b:1', 'http://host:1', 'host:123456', null]],
    ['shards', [[-1], [1024], [1, 1], [2, 1], [0.5], ['0'], '0', {}]],
    ['packId', ['', null]],
    ['threads', [0, 1025, 1.5, '2', NaN]],
    ['device', ['', 5]],
    ['draining', [0, 'false', undefined]],
  ])('names %s when it is wrong', (field, values) => {
    for (const value of values) {
      const encode = () => encodeWorkerRecord({ ...worker, [field]: value });
      expect(encode, JSON.stringify(value)).toThrow(InvalidOptionError);
      expect(encode).toThrow(expect.objectContaining({ field: `worker.${field}` }));
    }
  });
});
