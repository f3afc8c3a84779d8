import { InvalidOptionError } from '@ringmesh/core';
import { describe, expect, it } from 'vitest';
import { engineOptions, parseRouterOptions, type RawRouterOptions } from './options.js';

const parse = (raw: RawRouterOptions) => parseRouterOptions({ pack: '/pack', ...raw });

describe('parseRouterOptions', () => {
  it('has defaults for all but the pack, and leaves to the engine what the engine knows better', () => {
    expect(parse({})).toMatchObject({
      host: '127.0.0.1',
      port: 8000,
      experts: { localShards: 'all', addresses: [] },
      shutdownTimeoutMs: 25_000,
      queueLimits: { maxRequests: 2048, maxTokens: 4_194_304 },
      metricsPort: undefined,
      apiKeys: [],
      apiKeysIntervalMs: 5000,
      responseStore: { maxResponses: 10_000, maxBytes: 2 ** 26, ttlMs: 86_400_000 },
      logLevel: 'info',
    });
    expect(engineOptions(parse({}))).toMatchObject({ packDir: '/pack', workers: 'local', kvCacheBytes: undefined, maxNumSeqs: undefined });
  });

  it('reads every value', () => {
    const options = parse({
      deterministic: true,
      port: '0',
      workers: '10.0.0.1:7000, [::1]:7001',
      wire: 'bf16',
      maxNumSeqs: '8',
      maxNumQueuedRequests: '16',
      maxNumQueuedTokens: '5000',
      metricsPort: '9000',
      apiKey: ['sk-1', 'sk-2'],
      kvCacheMemory: '2GiB',
      dispatchTimeout: '500ms',
      shutdownTimeout: '5',
      responsesStoreSize: '0',
      responsesStoreMemory: '1MiB',
      responsesStoreTtl: '2h',
      servedModelName: 'inclusionAI/Ring-lite',
      tlsCa: 'ca.pem',
      tlsCert: 'cert.pem',
      tlsKey: 'key.pem',
    });
    expect(options).toMatchObject({
      port: 0,
      wire: 'bf16',
      maxNumSeqs: 8,
      queueLimits: { maxRequests: 16, maxTokens: 5000 },
      metricsPort: 9000,
      apiKeys: ['sk-1', 'sk-2'],
      kvCacheBytes: 2 ** 31,
      dispatchTimeoutMs: 500,
      shutdownTimeoutMs: 5000,
      responseStore: { maxResponses: 0, maxBytes: 2 ** 20, ttlMs: 7_200_000 },
      servedModelName: 'inclusionAI/Ring-lite',
      security: { tls: { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' } },
    });
    expect(engineOptions(options)).toMatchObject({ workers: ['10.0.0.1:7000', '[::1]:7001'], deterministic: true });
  });

  it.each<[what: string, raw: RawRouterOptions, expected: object]>([
    ['this process alone', { workers: 'local' }, { workers: 'local', localShards: 'all' }],
    ['this process alone, by another name', { workers: 'none' }, { workers: 'local', localShards: 'all' }],
    ['workers alone', { workers: 'a:1' }, { workers: ['a:1'], localShards: undefined }],
    ['this process and workers', { workers: 'local,a:1, b:2' }, { workers: ['a:1', 'b:2'], localShards: 'all' }],
    ['some shards in this process', { workers: 'local,a:1', localShards: '0-2,5' }, { workers: ['a:1'], localShards: [0, 1, 2, 5] }],
    ['some shards in this process, said once', { workers: 'a:1', localShards: '3' }, { workers: ['a:1'], localShards: [3] }],
    ['workers that register', { redisUrl: 'redis://r' }, { workers: [], localShards: undefined }],
    ['this process and workers that register', { workers: 'local', redisUrl: 'redis://r' }, { workers: [], localShards: 'all' }],
    ['some shards here, and workers that register', { redisUrl: 'redis://r', localShards: '1' }, { workers: [], localShards: [1] }],
  ])('has the experts computed by %s', (_, raw, expected) => {
    expect(engineOptions(parse(raw))).toMatchObject(expected);
    expect(parse(raw).experts.redisUrl).toBe(raw.redisUrl);
  });

  it.each<[string, RawRouterOptions]>([
    ['--pack', { pack: '' }],
    ['--port', { port: '65536' }],
    ['--metrics-port', { metricsPort: '-1' }],
    ['--max-num-queued-requests', { maxNumQueuedRequests: '0' }],
    ['--max-num-queued-tokens', { maxNumQueuedTokens: 'many' }],
    ['--api-key', { apiKey: ['sk-1', ''] }],
    ['--api-key', { apiKey: Array.from({ length: 65 }, (_, index) => `sk-${index}`) }],
    ['--workers', { workers: 'localhost' }],
    ['--workers', { workers: 'a:1,b:2,a:1' }],
    ['--workers', { workers: 'local,local' }],
    ['--workers', { workers: 'local,' }],
    ['--workers', { workers: 'local,a:1', redisUrl: 'redis://r' }],
    ['--local-shards', { workers: 'local,a:1', localShards: '3-1' }],
    ['--local-shards', { localShards: '' }],
    ['--wire', { wire: 'int8' }],
    ['--threads', { threads: '0' }],
    ['--max-model-len', { maxModelLen: '1e9' }],
    ['--kv-cache-memory', { kvCacheMemory: 'lots' }],
    ['--kv-cache-dtype', { kvCacheDtype: 'fp8' }],
    ['--prefix-caching', { prefixCaching: 'yes' }],
    ['--speculation', { speculation: 'yes' }],
    ['--num-speculative-tokens', { numSpeculativeTokens: '16' }],
    ['--prompt-lookup-min', { promptLookupMin: '0' }],
    ['--prompt-lookup-max', { promptLookupMax: '65' }],
    ['--dispatch-timeout', { dispatchTimeout: '0' }],
    ['--responses-store-size', { responsesStoreSize: '-1' }],
    ['--responses-store-memory', { responsesStoreMemory: 'much' }],
    ['--responses-store-ttl', { responsesStoreTtl: '0' }],
    ['--served-model-name', { servedModelName: 'a b' }],
    ['--tls-key', { tlsCa: 'ca.pem', tlsCert: 'cert.pem' }],
    ['--log-level', { logLevel: 'loud' }],
  ])('names %s when it is wrong: %o', (field, raw) => {
    expect(() => parse(raw)).toThrow(expect.objectContaining({ name: InvalidOptionError.name, field }));
  });

  it('never repeats a key', () => {
    expect(() => parse({ apiKey: ['sk secret'] })).toThrow(expect.not.stringContaining('secret'));
  });
});
