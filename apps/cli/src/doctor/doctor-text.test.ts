import { describe, expect, it } from 'vitest';
import type { MachineReport, PackReport } from './doctor-report.js';
import { machineText, packText } from './doctor-text.js';
import { memoryHint, packHints } from './pack-hints.js';

const MACHINE: MachineReport = {
  machine: {
    processor: { model: 'AMD EPYC', physicalCores: 1, instructionSets: [{ name: 'AVX2', isPresent: true }] },
    cores: 2,
    memory: { totalBytes: 24e9, availableBytes: 20e9 },
    limits: { cores: 1.5, memoryBytes: null },
    hugePages: 'never',
    glibc: null,
  },
  bandwidth: { oneThread: 14.5e9, threads: 2, allThreads: 24.9e9 },
  hints: ['turn them on'],
};

const PACK: Omit<PackReport, 'hints'> = {
  name: 'ring-lite',
  quantization: { method: 'q4', blockSize: 128 },
  numShards: 8,
  bytes: 8e9,
  processes: [
    {
      name: 'worker 0',
      shards: [0, 1],
      readySeconds: 12.345,
      memory: { rss: 4e9, pss: 3.9e9, private: 3.8e9, shared: 0.2e9 },
      ownBytes: 4e9,
      mapped: { files: 16, foreign: [] },
    },
    { name: 'router', shards: [], readySeconds: null, memory: null, ownBytes: 1e9, mapped: null },
  ],
  together: { readySeconds: 15, memoryBytes: 9e9 },
  speed: { bytesPerToken: 1.25e9, bound: 19.92, measured: { tokens: 49, firstTokenSeconds: 0.25, tokensPerSecond: 9.96 } },
};

it('a machine in words', () => {
  const text = machineText(MACHINE);
  expect(text).toContain('AMD EPYC, 2 cores (1 physical)');
  expect(text).toContain('AVX2; missing: none');
  expect(text).toContain('14.5 GB/s by one thread, 24.9 GB/s by 2');
  expect(text).toMatch(/control groups +allow 1\.5 cores$/m);
  expect(text).toMatch(/C library +not glibc$/m);
  expect(text).toMatch(/hint +turn them on$/m);
});

describe('a pack', () => {
  it('in words, with question marks for what the system does not say', () => {
    const text = packText({ ...PACK, hints: [] });
    expect(text).toMatch(/^worker 0 +0,1 +12\.35 s +4\.0 GB +0\.50 +3\.8 GB +4\.0 GB +16 files$/m);
    expect(text).toMatch(/^router +\? +\? +\? +\? +1\.0 GB +\?$/m);
    expect(text).toMatch(/^together +15\.00 s +9\.0 GB +1\.13 +8\.0 GB/m);
    expect(text).toContain('19.9 tokens/s at batch 1');
    expect(text).toContain('9.96 tokens/s over 49 tokens, 50.0 % of the bound');
  });

  it('has hints about files that are not its own, memory, and weights that fit into caches', () => {
    expect(packHints(PACK)).toEqual([]);
    const [worker] = PACK.processes;
    const foreign = { ...worker!, mapped: { files: 17, foreign: ['shards/07/layer-000.bin'] } };
    expect(packHints({ ...PACK, processes: [foreign] })).toEqual([expect.stringContaining('worker 0 maps shards/07/layer-000.bin')]);
    expect(packHints({ ...PACK, together: { readySeconds: 1, memoryBytes: 11e9 } })).toEqual([
      expect.stringContaining('--kv-cache-memory'),
    ]);
    expect(packHints({ ...PACK, speed: { ...PACK.speed, bytesPerToken: 4e6 } })).toEqual([expect.stringContaining('caches')]);
    expect(memoryHint(8e9, 20e9)).toEqual([]);
    expect(memoryHint(8e9, 4e9)).toEqual([expect.stringContaining('8.0 GB, more than the 4.0 GB')]);
  });
});
