import { availableParallelism } from 'node:os';
import { InvalidOptionError, parseChoice, parseInteger, parseShutdownTimeout } from '@ringmesh/core';
import { parseShards } from '@ringmesh/placement';
import { type Address, parseAddress, tlsFilesFromOptions, type TransportSecurity } from '@ringmesh/protocol';
import { LOG_LEVELS, type LogLevel, parseTracing, type TracingOptions } from '@ringmesh/telemetry';

/** The command line's options as it read them: `maxTokens` is `--max-tokens`. */
export interface RawWorkerOptions {
  pack?: string;
  shards?: string;
  listen?: string;
  advertise?: string;
  threads?: string;
  maxTokens?: string;
  metricsPort?: string;
  redisUrl?: string;
  shutdownTimeout?: string;
  otlpTracesEndpoint?: string;
  verify?: boolean;
  tlsCa?: string;
  tlsCert?: string;
  tlsKey?: string;
  allowInsecure?: boolean;
  logLevel?: string;
}

export interface WorkerOptions {
  /** Folder of the pack whose experts are computed. */
  pack: string;
  /** Ascending; undefined: all shards of the pack. */
  shards: number[] | undefined;
  /** Port 0: any free one. */
  listen: Address;
  /** Under which routers reach it, where that is not the address it listens on. */
  advertise: Address | undefined;
  /** Compute threads. */
  threads: number;
  /** Rows of hidden states in one request at most. */
  maxTokens: number;
  /** 0: any free one. */
  metricsPort: number;
  redisUrl: string | undefined;
  /** How long requests in flight may take to finish once the worker is told to end. */
  shutdownTimeoutMs: number;
  /** Null: nothing is traced, whoever asks. */
  tracing: TracingOptions | null;
  /** Whether the pack's files are hashed even if this machine has verified them before. */
  verify: boolean;
  security: TransportSecurity;
  logLevel: LogLevel;
}

const MAX_THREADS = 256;
const MAX_TOKENS = 65_536;

/**
 * Checks what the command line read.
 * @throws InvalidOptionError naming the option and what it takes
 */
export function parseWorkerOptions(raw: RawWorkerOptions): WorkerOptions {
  if (raw.pack === undefined || raw.pack === '') {
    throw new InvalidOptionError('--pack: the folder of a pack is needed; "ringmesh pack" writes one', { field: '--pack' });
  }
  return {
    pack: raw.pack,
    shards: raw.shards === undefined ? undefined : parseShards('--shards', raw.shards),
    listen: parseAddress(raw.listen ?? '127.0.0.1:7000', '--listen'),
    advertise: raw.advertise === undefined ? undefined : parseAddress(raw.advertise, '--advertise'),
    threads: parseInteger('--threads', raw.threads, 1, MAX_THREADS) ?? availableParallelism(),
    maxTokens: parseInteger('--max-tokens', raw.maxTokens, 1, MAX_TOKENS) ?? 2048,
    metricsPort: parseInteger('--metrics-port', raw.metricsPort, 0, 65_535) ?? 0,
    redisUrl: raw.redisUrl,
    shutdownTimeoutMs: parseShutdownTimeout(raw.shutdownTimeout),
    tracing: parseTracing(raw.otlpTracesEndpoint),
    verify: raw.verify ?? false,
    security: { tls: tlsFilesFromOptions(raw), allowInsecure: raw.allowInsecure },
    logLevel: parseChoice('--log-level', raw.logLevel, LOG_LEVELS) ?? 'info',
  };
}
