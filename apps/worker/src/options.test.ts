import { describe, expect, it } from 'vitest';
import { parseWorkerOptions, type RawWorkerOptions } from './options.js';

describe('parseWorkerOptions', () => {
  it('needs a pack only', () => {
    expect(parseWorkerOptions({ pack: 'p' })).toMatchObject({
      pack: 'p',
      shards: undefined,
      listen: { host: '127.0.0.1', port: 7000 },
      maxTokens: 2048,
      metricsPort: 0,
      shutdownTimeoutMs: 25_000,
      verify: false,
      security: { tls: undefined },
      logLevel: 'info',
    });
  });

  it('reads every option', () => {
    const raw: RawWorkerOptions = {
      pack: 'p',
      shards: '0-1',
      listen: '[::1]:0',
      advertise: 'worker-0:7000',
      threads: '3',
      maxTokens: '512',
      metricsPort: '9100',
      redisUrl: 'redis://localhost',
      shutdownTimeout: '500ms',
      verify: true,
      tlsCa: 'ca',
      tlsCert: 'cert',
      tlsKey: 'key',
      allowInsecure: true,
      logLevel: 'warn',
    };
    expect(parseWorkerOptions(raw)).toEqual({
      pack: 'p',
      shards: [0, 1],
      listen: { host: '::1', port: 0 },
      advertise: { host: 'worker-0', port: 7000 },
      threads: 3,
      maxTokens: 512,
      metricsPort: 9100,
      redisUrl: 'redis://localhost',
      shutdownTimeoutMs: 500,
      tracing: null,
      verify: true,
      security: { tls: { ca: 'ca', cert: 'cert', key: 'key' }, allowInsecure: true },
      logLevel: 'warn',
    });
  });

  it.each<[option: string, RawWorkerOptions]>([
    ['--pack', { pack: '' }],
    ['--shards', { shards: '3-1' }],
    ['--listen', { listen: '7000' }],
    ['--advertise', { advertise: 'worker' }],
    ['--threads', { threads: '0' }],
    ['--max-tokens', { maxTokens: '1e9' }],
    ['--metrics-port', { metricsPort: '65536' }],
    ['--shutdown-timeout', { shutdownTimeout: '-1' }],
    ['--tls-key', { tlsCa: 'ca', tlsCert: 'cert' }],
    ['--log-level', { logLevel: 'loud' }],
  ])('names a bad %s: %j', (field, raw) => {
    expect(() => parseWorkerOptions({ pack: 'p', ...raw })).toThrow(
      expect.objectContaining({ name: 'InvalidOptionError', field, message: expect.stringContaining(field) as string }),
    );
  });
});
