import { cacheLayout } from '@ringmesh/model';
import type { Quantization } from '@ringmesh/tensor';
import type { ModelConfig } from '@ringmesh/weights';
import { describe, expect, it } from 'vitest';
import { type EngineOptions, localShardsOf, resolveOptions } from './engine-options.js';

// What the options look at of a config.
const CONFIG = { modelType: 'bailing_moe', numLayers: 2, numKeyValueHeads: 2, headDim: 8, maxPositionEmbeddings: 4096 } as ModelConfig;
const MACHINE = { cores: 6, freeMemoryBytes: 2 ** 34 };

const bytesFor = (tokens: number): number => cacheLayout(CONFIG, 'float32').bytesFor(tokens);
const resolve = (
  options: Partial<EngineOptions>,
  machine = MACHINE,
  quantization: Quantization = { method: 'f32' },
): ReturnType<typeof resolveOptions> =>
  resolveOptions({ packDir: '', workers: 'local', ...options }, { config: CONFIG, quantization }, machine);

describe('resolveOptions', () => {
  it('has defaults, and takes no more memory than all sequences can use', () => {
    expect(resolve({})).toEqual({
      limits: { maxNumBatchedTokens: 512, maxNumSeqs: 256 },
      kvCacheBytes: 256 * bytesFor(4096),
      kvCacheDtype: 'float32',
      prefixCaching: true,
      deterministic: false,
      speculation: null,
      maxModelLen: 4096,
      threads: 6,
      wire: 'f32',
      dispatchTimeoutMs: 30_000,
      profile: false,
      tracing: false,
    });
  });

  it('takes a share of the free memory, and shortens requests to what fits', () => {
    const freeMemoryBytes = bytesFor(1000);
    expect(resolve({}, { ...MACHINE, freeMemoryBytes })).toMatchObject({ kvCacheBytes: bytesFor(400), maxModelLen: 384 });
  });

  it('keeps keys and values as bytes beside quantized weights, where nothing else is said', () => {
    const q4: Quantization = { method: 'q4', blockSize: 32 };
    expect(resolve({}, MACHINE, q4).kvCacheDtype).toBe('int8');
    expect(resolve({}, MACHINE, q4).kvCacheBytes).toBe((256 * bytesFor(4096) * (8 + 4)) / (8 * 4));
    expect(resolve({}, MACHINE, { method: 'f16' }).kvCacheDtype).toBe('float32');
    expect(resolve({ kvCacheDtype: 'float32' }, MACHINE, q4).kvCacheDtype).toBe('float32');
    expect(resolve({ kvCacheDtype: 'int8' }).kvCacheDtype).toBe('int8');
  });

  it('runs fewer sequences where a step has fewer tokens', () => {
    expect(resolve({ maxNumBatchedTokens: 8 }).limits).toEqual({ maxNumBatchedTokens: 8, maxNumSeqs: 8 });
  });

  it('has room for a block of a prompt beside all others, where bits are to be the same', () => {
    expect(resolve({ deterministic: true }).limits).toEqual({ maxNumBatchedTokens: 512, maxNumSeqs: 256, granularity: 64 });
    expect(resolve({ deterministic: true, maxNumBatchedTokens: 64 }).limits.maxNumSeqs).toBe(1);
    expect(resolve({ deterministic: true, maxNumBatchedTokens: 66, maxNumSeqs: 3 })).toMatchObject({
      deterministic: true,
      speculation: null,
    });
  });

  it('guesses tokens where it is told to', () => {
    expect(resolve({ speculation: 'auto' }).speculation).toEqual({ mode: 'auto', numTokens: 8, lookup: { minTokens: 3, maxTokens: 8 } });
    const lookup = { minTokens: 20, maxTokens: 20 };
    expect(resolve({ speculation: 'always', numSpeculativeTokens: 9, promptLookupMin: 20 }).speculation).toEqual({
      mode: 'always',
      numTokens: 9,
      lookup,
    });
  });

  it.each([
    ['--speculation', { speculation: 'yes' as 'off' }],
    ['--num-speculative-tokens', { numSpeculativeTokens: 16 }],
    ['--prompt-lookup-min', { promptLookupMin: 0 }],
    ['--prompt-lookup-min', { promptLookupMin: 4, promptLookupMax: 3 }],
    ['--prompt-lookup-max', { promptLookupMax: 65 }],
    ['--max-num-batched-tokens', { maxNumBatchedTokens: 0 }],
    ['--max-num-seqs', { maxNumSeqs: 1.5 }],
    ['--max-num-seqs', { maxNumSeqs: 9, maxNumBatchedTokens: 8 }],
    ['--max-num-batched-tokens', { deterministic: true, maxNumBatchedTokens: 63 }],
    ['--max-num-seqs', { deterministic: true, maxNumBatchedTokens: 66, maxNumSeqs: 4 }],
    ['--speculation', { deterministic: true, speculation: 'auto' as const }],
    ['--wire', { deterministic: true, wire: 'bf16' as const, workers: ['a:1'], localShards: [1] }],
    ['--max-model-len', { maxModelLen: 4097 }],
    ['--max-model-len', { maxModelLen: 200, kvCacheBytes: bytesFor(199) }],
    ['--kv-cache-memory', { kvCacheBytes: bytesFor(63) }],
    ['--kv-cache-memory', { kvCacheBytes: NaN }],
    ['--threads', { threads: 0 }],
    ['--dispatch-timeout', { dispatchTimeoutMs: -1 }],
    ['--wire', { wire: 'f64' as 'f32' }],
    ['--kv-cache-dtype', { kvCacheDtype: 'int4' as 'int8' }],
  ])('refuses %s in %o', (option, options) => {
    expect(() => resolve(options)).toThrow(expect.objectContaining({ name: 'InvalidOptionError', field: option }));
  });
});

describe('localShardsOf', () => {
  const pack = { numShards: 3 };
  const of = (options: Partial<EngineOptions>): number[] => localShardsOf({ packDir: '', workers: [], ...options }, pack);

  it('is all where there are no workers, none where there are, and else what was asked for', () => {
    expect(of({ workers: 'local' })).toEqual([0, 1, 2]);
    expect(of({})).toEqual([]);
    expect(of({ localShards: 'all' })).toEqual([0, 1, 2]);
    expect(of({ localShards: [0, 2] })).toEqual([0, 2]);
  });

  it.each<[problem: RegExp, options: Partial<EngineOptions>]>([
    [/there is no shard 3; this pack has shards 0 to 2/, { localShards: [1, 3] }],
    [/nobody has shard 0, 2/, { workers: 'local', localShards: [1] }],
  ])('refuses: %s', (problem, options) => {
    expect(() => of(options)).toThrow(expect.objectContaining({ name: 'InvalidOptionError', field: '--local-shards' }));
    expect(() => of(options)).toThrow(problem);
  });
});
