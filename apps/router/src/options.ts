import { InvalidOptionError, parseBytes, parseChoice, parseInteger, parseSeconds, parseShutdownTimeout } from '@ringmesh/core';
import {
  type EngineOptions,
  KV_CACHE_DTYPE_CHOICES,
  type KvCacheDtypeChoice,
  SPECULATION_MODES,
  type SpeculationMode,
} from '@ringmesh/engine';
import { parseShards } from '@ringmesh/placement';
import { MAX_TIMEOUT_MS, parseAddress, tlsFilesFromOptions, type TransportSecurity } from '@ringmesh/protocol';
import { LOG_LEVELS, type LogLevel, parseTracing, type TracingOptions } from '@ringmesh/telemetry';
import { parseQueueLimits } from './admission/queue-limits.js';
import type { QueueLimits } from './admission/waiting-queue.js';
import { parseApiKeys } from './api-keys/read-api-keys.js';
import type { ResponseStoreLimits } from './openai/responses/response-store.js';
import { type OutputParsers, REASONING_PARSERS, TOOL_CALL_PARSERS } from './output/output-format.js';

const WIRES = ['f32', 'bf16', 'f16'] as const;

/** What the command line read: `maxNumSeqs` is `--max-num-seqs`. */
export interface RawRouterOptions {
  pack?: string;
  host?: string;
  port?: string;
  metricsPort?: string;
  apiKey?: string[];
  apiKeysFile?: string;
  workers?: string;
  localShards?: string;
  redisUrl?: string;
  threads?: string;
  wire?: string;
  maxNumSeqs?: string;
  maxNumBatchedTokens?: string;
  maxNumQueuedRequests?: string;
  maxNumQueuedTokens?: string;
  maxModelLen?: string;
  kvCacheMemory?: string;
  kvCacheDtype?: string;
  prefixCaching?: string;
  deterministic?: boolean;
  speculation?: string;
  numSpeculativeTokens?: string;
  promptLookupMin?: string;
  promptLookupMax?: string;
  servedModelName?: string;
  reasoningParser?: string;
  toolCallParser?: string;
  responsesStoreSize?: string;
  responsesStoreMemory?: string;
  responsesStoreTtl?: string;
  dispatchTimeout?: string;
  shutdownTimeout?: string;
  otlpTracesEndpoint?: string;
  verify?: boolean;
  tlsCa?: string;
  tlsCert?: string;
  tlsKey?: string;
  allowInsecure?: boolean;
  logLevel?: string;
}

/** Who has the experts: at least one of the three. */
export interface ExpertSources {
  /** Shards that this process computes itself. */
  localShards: 'all' | number[] | undefined;
  /** Addresses of workers. */
  addresses: string[];
  /** Where workers register, instead of being listed. */
  redisUrl: string | undefined;
}

/** Undefined where the engine decides. */
export interface RouterOptions {
  /** Folder of the pack to serve. */
  pack: string;
  host: string;
  /** 0: any free port. */
  port: number;
  /** Of a server for /metrics alone; 0: any free one, undefined: the API serves them. */
  metricsPort: number | undefined;
  /** Without limits; a file may have more. */
  apiKeys: string[];
  apiKeysFile: string | undefined;
  /** How often the file is looked at. */
  apiKeysIntervalMs: number;
  experts: ExpertSources;
  threads: number | undefined;
  /** How hidden states travel to workers. */
  wire: (typeof WIRES)[number] | undefined;
  maxNumSeqs: number | undefined;
  maxNumBatchedTokens: number | undefined;
  /** Of those who wait for the engine. */
  queueLimits: QueueLimits;
  maxModelLen: number | undefined;
  kvCacheBytes: number | undefined;
  kvCacheDtype: KvCacheDtypeChoice | undefined;
  prefixCaching: boolean;
  deterministic: boolean;
  speculation: SpeculationMode | undefined;
  numSpeculativeTokens: number | undefined;
  promptLookupMin: number | undefined;
  promptLookupMax: number | undefined;
  /** Undefined: the pack's own name. */
  servedModelName: string | undefined;
  /** What is looked for in replies of chats. */
  outputParsers: OutputParsers;
  /** How much is kept of what /v1/responses answers. */
  responseStore: ResponseStoreLimits;
  dispatchTimeoutMs: number | undefined;
  shutdownTimeoutMs: number;
  /** Null: nothing is traced. */
  tracing: TracingOptions | null;
  /** Whether the pack's files are hashed even if this machine has verified them before. */
  verify: boolean;
  security: TransportSecurity;
  logLevel: LogLevel;
}

const MAX_WORKERS = 256;
const API_KEYS_INTERVAL_MS = 5000;
const MAX_RESPONSES_TTL_SECONDS = 30 * 24 * 3600;

/**
 * Checks what the command line read.
 * @throws InvalidOptionError naming the option and what it takes
 */
export function parseRouterOptions(raw: RawRouterOptions): RouterOptions {
  if (raw.pack === undefined || raw.pack === '') {
    throw new InvalidOptionError('--pack: the folder of a pack is needed; "ringmesh pack" writes one', { field: '--pack' });
  }
  return {
    pack: raw.pack,
    host: raw.host ?? '127.0.0.1',
    port: parseInteger('--port', raw.port, 0, 65_535) ?? 8000,
    metricsPort: parseInteger('--metrics-port', raw.metricsPort, 0, 65_535),
    apiKeys: parseApiKeys(raw.apiKey),
    apiKeysFile: raw.apiKeysFile,
    apiKeysIntervalMs: API_KEYS_INTERVAL_MS,
    experts: parseExperts(raw),
    threads: parseInteger('--threads', raw.threads, 1, 256),
    wire: parseChoice('--wire', raw.wire, WIRES),
    maxNumSeqs: parseInteger('--max-num-seqs', raw.maxNumSeqs, 1, 65_536),
    maxNumBatchedTokens: parseInteger('--max-num-batched-tokens', raw.maxNumBatchedTokens, 1, 65_536),
    queueLimits: parseQueueLimits(raw.maxNumQueuedRequests, raw.maxNumQueuedTokens),
    maxModelLen: parseInteger('--max-model-len', raw.maxModelLen, 2, 1 << 24),
    kvCacheBytes: parseBytes('--kv-cache-memory', raw.kvCacheMemory),
    kvCacheDtype: parseChoice('--kv-cache-dtype', raw.kvCacheDtype, KV_CACHE_DTYPE_CHOICES),
    prefixCaching: parseChoice('--prefix-caching', raw.prefixCaching, ['on', 'off']) !== 'off',
    deterministic: raw.deterministic ?? false,
    speculation: parseChoice('--speculation', raw.speculation, SPECULATION_MODES),
    numSpeculativeTokens: parseInteger('--num-speculative-tokens', raw.numSpeculativeTokens, 1, 15),
    promptLookupMin: parseInteger('--prompt-lookup-min', raw.promptLookupMin, 1, 64),
    promptLookupMax: parseInteger('--prompt-lookup-max', raw.promptLookupMax, 1, 64),
    servedModelName: parseModelName(raw.servedModelName),
    outputParsers: {
      reasoning: parseChoice('--reasoning-parser', raw.reasoningParser, REASONING_PARSERS) ?? 'think',
      toolCalls: parseChoice('--tool-call-parser', raw.toolCallParser, TOOL_CALL_PARSERS) ?? 'hermes',
    },
    responseStore: {
      maxResponses: parseInteger('--responses-store-size', raw.responsesStoreSize, 0, 1_000_000) ?? 10_000,
      maxBytes: parseBytes('--responses-store-memory', raw.responsesStoreMemory) ?? 64 * 2 ** 20,
      ttlMs: parseSeconds('--responses-store-ttl', raw.responsesStoreTtl, 1, MAX_RESPONSES_TTL_SECONDS) ?? 24 * 3_600_000,
    },
    dispatchTimeoutMs: parseSeconds('--dispatch-timeout', raw.dispatchTimeout, 0.01, MAX_TIMEOUT_MS / 1000),
    shutdownTimeoutMs: parseShutdownTimeout(raw.shutdownTimeout),
    tracing: parseTracing(raw.otlpTracesEndpoint),
    verify: raw.verify ?? false,
    security: { tls: tlsFilesFromOptions(raw), allowInsecure: raw.allowInsecure },
    logLevel: parseChoice('--log-level', raw.logLevel, LOG_LEVELS) ?? 'info',
  };
}

/** The part that the engine takes. */
export function engineOptions(options: RouterOptions): EngineOptions {
  const { localShards, addresses, redisUrl } = options.experts;
  return {
    packDir: options.pack,
    workers: addresses.length === 0 && redisUrl === undefined ? 'local' : addresses,
    localShards,
    threads: options.threads,
    wire: options.wire,
    maxNumSeqs: options.maxNumSeqs,
    maxNumBatchedTokens: options.maxNumBatchedTokens,
    kvCacheBytes: options.kvCacheBytes,
    kvCacheDtype: options.kvCacheDtype,
    prefixCaching: options.prefixCaching,
    deterministic: options.deterministic,
    speculation: options.speculation,
    numSpeculativeTokens: options.numSpeculativeTokens,
    promptLookupMin: options.promptLookupMin,
    promptLookupMax: options.promptLookupMax,
    maxModelLen: options.maxModelLen,
    dispatchTimeoutMs: options.dispatchTimeoutMs,
    security: options.security,
    verify: options.verify,
    tracing: options.tracing !== null,
  };
}

function parseExperts({ workers, localShards, redisUrl }: RawRouterOptions): ExpertSources {
  const names = workers === undefined || workers === 'none' ? [] : workers.split(',').map((name) => name.trim());
  const addresses = names.filter((name) => name !== 'local');
  if (redisUrl !== undefined && addresses.length > 0) {
    throw new InvalidOptionError('--workers: give either addresses or --redis-url, where workers register by themselves', {
      field: '--workers',
    });
  }
  if (names.length > MAX_WORKERS) throw new InvalidOptionError(`--workers: at most ${MAX_WORKERS} are allowed`, { field: '--workers' });
  for (const address of addresses) parseAddress(address, '--workers');
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new InvalidOptionError(`--workers: ${twice} is given twice`, { field: '--workers' });
  const isLocal = names.includes('local') || (addresses.length === 0 && redisUrl === undefined);
  const all = isLocal ? 'all' : undefined;
  return { localShards: localShards === undefined ? all : parseShards('--local-shards', localShards), addresses, redisUrl };
}

function parseModelName(name: string | undefined): string | undefined {
  if (name !== undefined && !/^[\w./:@+-]{1,256}$/.test(name)) {
    throw new InvalidOptionError('--served-model-name: 1 to 256 letters, digits and . / : @ + - _ are allowed', {
      field: '--served-model-name',
    });
  }
  return name;
}
