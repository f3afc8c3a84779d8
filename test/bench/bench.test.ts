import { InvalidOptionError } from '@ringmesh/core';
import { describe, expect, it } from 'vitest';
import { type BenchResult, longestSequence, WARM_UP_STEPS } from './measurement.ts';
import { parseOptions } from './options.ts';
import { report, type Round } from './report.ts';
import { showSpread, spreadOf } from './statistics.ts';

describe('options', () => {
  it('have defaults', () => {
    expect(parseOptions([])).toMatchObject({
      shape: 'ring-lite',
      rounds: 3,
      measures: ['decode', 'prefill'],
      engines: ['node-llama-cpp', 'local', 'grpc'],
      batches: [16, 8, 4, 1],
      contextTokens: 100,
      prefillTokens: 512,
    });
  });

  it('choose what is measured', () => {
    const args = ['--layers', '2', '--only', 'prefill', '--transport', 'grpc', '--no-peer', '--batches', '2,8', '--context', '32768'];
    expect(parseOptions(args)).toMatchObject({
      layers: 2,
      measures: ['prefill'],
      engines: ['grpc'],
      batches: [8, 2],
      contextTokens: 32768,
    });
  });

  it('are refused by name', () => {
    expect(() => parseOptions(['--transport', 'http'])).toThrow(InvalidOptionError);
    expect(() => parseOptions(['--layers', 'two'])).toThrow(/--layers/);
  });
});

it('a sequence has room for its prompt, for the token after it, for all steps, and for those that other prompts take', () => {
  const plan = { batches: [2, 1], contextTokens: 32_768, decodeSteps: 24, prefillTokens: 512, prefillRuns: 0, threads: 2 };
  expect(longestSequence(plan)).toBe(32_768 + 1 + 2048 + 2 * (WARM_UP_STEPS + 24 + 1));
  expect(longestSequence({ ...plan, batches: [1] })).toBe(32_768 + 1 + WARM_UP_STEPS + 24 + 1);
  expect(longestSequence({ ...plan, prefillTokens: 40_000 })).toBe(40_001);
});

it('a spread has median, least and most', () => {
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
  expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
  expect(showSpread(spreadOf([17.31, 15.7]), 1)).toBe('16.5 (15.7–17.3)');
});

it('the report compares engines round by round', () => {
  const result = (speed: number, profile: BenchResult['profile'] = {}): BenchResult => {
    return { tokensPerSecond: { 'decode 1': [speed] }, loadSeconds: 30, residentBytes: 9e9, profile };
  };
  const ours = { 'decode 1': { 'attention-in': 8, head: 5 } };
  const rounds: Round[] = [
    { bandwidth: [20e9, 30e9], results: { 'node-llama-cpp': result(10), local: result(9, ours) } },
    { bandwidth: [20e9, 30e9], results: { 'node-llama-cpp': result(20), local: result(20, ours) } },
  ];
  const summary = {
    engines: ['node-llama-cpp' as const, 'local' as const],
    measures: ['decode 1'],
    numLayers: 4,
    activeBytes: { llama: 1.5e9, ringmesh: 1.2e9 },
  };
  const text = report(rounds, summary);
  expect(text).toMatch(/decode 1 +15\.0 \(10\.0–20\.0\) +14\.5 \(9\.0–20\.0\) +0\.95 \(0\.90–1\.00\)/);
  expect(text).toContain('batch 1 reads 1.50 GB a token, 75 (50–100) % of the memory');
  expect(text).toMatch(/attention-in +2\.00\nhead +5\.00/);
});
