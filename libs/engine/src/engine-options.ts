import { BLOCK_TOKENS, type KvCacheDtype } from '@ringmesh/kv-cache';
import { cacheLayout } from '@ringmesh/model';
import { chooseShards } from '@ringmesh/placement';
import { MAX_TIMEOUT_MS, type TransportSecurity } from '@ringmesh/protocol';
import type { SchedulerLimits } from '@ringmesh/scheduler';
import type { DType } from '@ringmesh/tensor';
import type { PackManifest } from '@ringmesh/weights';
import { resolveSpeculation } from './speculation/resolve-speculation.js';
import type { SpeculationMode, SpeculationSettings } from './speculation/speculation.js';
import { checkInteger, invalid } from './check-option.js';
import { KV_CACHE_DTYPE_CHOICES, type KvCacheDtypeChoice, kvCacheDtypeOf } from './kv-cache-dtype.js';

export interface EngineOptions {
  packDir: string;
  /** Addresses, host:port, of expert workers; `local` for none, and the experts on threads of this process. */
  workers: 'local' | string[];
  /** Shards that threads of this process compute, beside those of workers; unless given, all where workers are `local`, else none. */
  localShards?: 'all' | number[] | undefined;
  /** Compute threads of this process, the engine's own among them; as many as there are cores unless given. */
  threads?: number | undefined;
  /** Of hidden states and partial sums on the way to workers; f32 (exact) unless given. */
  wire?: DType | undefined;
  /** Sequences that run at once at most; 256 unless given, fewer where maxNumBatchedTokens has no room for so many. */
  maxNumSeqs?: number | undefined;
  /** Tokens of one step at most, prefill and decode together; 512 unless given. */
  maxNumBatchedTokens?: number | undefined;
  /** What all sequences' keys, values and states may take together; unless given, 40 % of free memory, but not more than can be used. */
  kvCacheBytes?: number | undefined;
  /** What keys and values are kept as; unless given, int8 where the pack is q8 or q4, and float32 where it is not. */
  kvCacheDtype?: KvCacheDtypeChoice | undefined;
  /** Whether requests share what is computed of the tokens that they have in common at their beginning; so unless given. */
  prefixCaching?: boolean | undefined;
  /**
   * Whether the same request with the same seed gets the same bits, whatever else is computed: docs/sampling.md. Slower; off unless given, and not
   * together with speculation.
   */
  deterministic?: boolean | undefined;
  /** Whether tokens are guessed by prompt lookup and verified several in a step: docs/speculative-decoding.md; off unless given. */
  speculation?: SpeculationMode | undefined;
  /** Tokens of a sequence that are guessed for a step at most; 8 unless given. */
  numSpeculativeTokens?: number | undefined;
  /** Tokens at a sequence's end that must have come before, for a guess; 3 unless given. */
  promptLookupMin?: number | undefined;
  /** Tokens at its end that are compared at most, to find the best of several places; 8 unless given. */
  promptLookupMax?: number | undefined;
  /** Prompt and generated tokens of one request at most; the model's own limit unless given, less where the KV cache is smaller. */
  maxModelLen?: number | undefined;
  /** How long a worker may take for one layer before it counts as failed; 30 s unless given. */
  dispatchTimeoutMs?: number | undefined;
  /** Of the connections to workers. */
  security?: TransportSecurity | undefined;
  /** Hash all files that are opened, also those that this machine has verified before. */
  verify?: boolean | undefined;
  /** Tell with each step how long its parts took. */
  profile?: boolean | undefined;
  /** Tell with each step what it did for requests that have a trace id. */
  tracing?: boolean | undefined;
}

/** {@link EngineOptions} with everything decided. */
export interface EngineSettings {
  limits: SchedulerLimits;
  kvCacheBytes: number;
  kvCacheDtype: KvCacheDtype;
  prefixCaching: boolean;
  deterministic: boolean;
  speculation: SpeculationSettings | null;
  maxModelLen: number;
  threads: number;
  wire: DType;
  dispatchTimeoutMs: number;
  profile: boolean;
  tracing: boolean;
}

/** What the options look at of a pack. */
export type PackFacts = Pick<PackManifest, 'config' | 'quantization'>;

/** What the machine has. */
export interface Machine {
  cores: number;
  freeMemoryBytes: number;
}

const DEFAULT_MAX_NUM_SEQS = 256;
const DEFAULT_MAX_NUM_BATCHED_TOKENS = 512;
const DEFAULT_DISPATCH_TIMEOUT_MS = 30_000;
const KV_CACHE_SHARE = 0.4;
const WIRES: readonly DType[] = ['f32', 'bf16', 'f16'];

/** @throws InvalidOptionError for a value out of range, or that contradicts another or the model */
export function resolveOptions(options: EngineOptions, pack: PackFacts, machine: Machine): EngineSettings {
  const { deterministic = false } = options;
  const limits = resolveLimits(options);
  const wire = options.wire ?? 'f32';
  if (!WIRES.includes(wire)) throw invalid('--wire', `--wire is ${wire}: give ${WIRES.join(', ')}`);
  const speculation = resolveSpeculation(options);
  if (deterministic) checkDeterministic(options, speculation);
  const numDrafts = speculation?.numTokens ?? 0;
  return {
    ...resolveMemory(options, pack, { maxNumSeqs: limits.maxNumSeqs, numDrafts, freeMemoryBytes: machine.freeMemoryBytes }),
    speculation,
    limits,
    prefixCaching: options.prefixCaching ?? true,
    deterministic,
    threads: checkInteger('--threads', options.threads ?? machine.cores, 1, 1024),
    wire,
    dispatchTimeoutMs: checkInteger('--dispatch-timeout', options.dispatchTimeoutMs ?? DEFAULT_DISPATCH_TIMEOUT_MS, 1, MAX_TIMEOUT_MS),
    profile: options.profile ?? false,
    tracing: options.tracing ?? false,
  };
}

function resolveLimits({
  deterministic,
  maxNumBatchedTokens = DEFAULT_MAX_NUM_BATCHED_TOKENS,
  maxNumSeqs,
}: EngineOptions): SchedulerLimits {
  // A prompt that needs a whole block must find room beside all others that run.
  const granularity = deterministic === true ? BLOCK_TOKENS : 1;
  checkInteger('--max-num-batched-tokens', maxNumBatchedTokens, 1, 65_536);
  if (maxNumBatchedTokens < granularity) {
    const why = `--max-num-batched-tokens is ${maxNumBatchedTokens}, but --deterministic computes prompts in blocks of ${granularity} tokens`;
    throw invalid('--max-num-batched-tokens', `${why}: give ${granularity} or more`);
  }
  const most = maxNumBatchedTokens - granularity + 1;
  const seqs = checkInteger('--max-num-seqs', maxNumSeqs ?? Math.min(DEFAULT_MAX_NUM_SEQS, most), 1, 65_536);
  if (seqs > most) {
    const need = deterministic === true ? `, and --deterministic ${granularity} for a block of a prompt beside the others` : '';
    const why = `--max-num-seqs (${seqs}) is too much for --max-num-batched-tokens (${maxNumBatchedTokens})`;
    throw invalid('--max-num-seqs', `${why}: each running sequence needs a token of every step${need}: give ${most} or fewer`);
  }
  return { maxNumBatchedTokens, maxNumSeqs: seqs, ...(deterministic === true ? { granularity } : {}) };
}

/** What would let bits depend on more than the request. */
function checkDeterministic({ wire = 'f32', workers, localShards }: EngineOptions, speculation: SpeculationSettings | null): void {
  if (speculation !== null) {
    const why = `--speculation is ${speculation.mode}, but with --deterministic no token is guessed, because bits would depend on the guesses`;
    throw invalid('--speculation', `${why}: give off, or leave it out`);
  }
  if (wire !== 'f32' && workers !== 'local' && localShards !== undefined && localShards.length > 0) {
    const why = `--wire is ${wire}, which rounds what workers are sent and not what this process computes itself`;
    throw invalid('--wire', `${why}: with --deterministic and --local-shards beside workers give f32`);
  }
}

/**
 * The shards that this process computes.
 * @throws InvalidOptionError for one that the pack does not have, and where nobody could have the others
 */
export function localShardsOf({ workers, localShards }: EngineOptions, { numShards }: Pick<PackManifest, 'numShards'>): number[] {
  const asked = localShards ?? (workers === 'local' ? 'all' : []);
  const shards = chooseShards('--local-shards', asked === 'all' ? undefined : asked, numShards);
  if (workers === 'local' && shards.length < numShards) {
    const others = Array.from({ length: numShards }, (_, shard) => shard).filter((shard) => !shards.includes(shard));
    throw invalid('--local-shards', `--local-shards: nobody has shard ${others.join(', ')}: give workers that do, or leave it out`);
  }
  return shards;
}

/** A single request must always fit into the KV cache, so that it can never run out of memory half-way. */
function resolveMemory(
  options: EngineOptions,
  { config, quantization }: PackFacts,
  { maxNumSeqs, numDrafts, freeMemoryBytes }: { maxNumSeqs: number; numDrafts: number; freeMemoryBytes: number },
): Pick<EngineSettings, 'kvCacheBytes' | 'kvCacheDtype' | 'maxModelLen'> {
  const asked = checkInteger('--max-model-len', options.maxModelLen ?? config.maxPositionEmbeddings, 1, config.maxPositionEmbeddings);
  const choice = options.kvCacheDtype ?? 'auto';
  if (!KV_CACHE_DTYPE_CHOICES.includes(choice)) {
    throw invalid('--kv-cache-dtype', `--kv-cache-dtype is ${choice}: give ${KV_CACHE_DTYPE_CHOICES.join(', ')}`);
  }
  const kvCacheDtype = kvCacheDtypeOf(choice, quantization);
  const layout = cacheLayout(config, kvCacheDtype, numDrafts);
  const bytesOfOne = layout.sequenceBytes(asked);
  const defaultBytes = Math.floor(Math.min(freeMemoryBytes * KV_CACHE_SHARE, bytesOfOne * maxNumSeqs));
  const kvCacheBytes = checkInteger('--kv-cache-memory', options.kvCacheBytes ?? defaultBytes, 1, Number.MAX_SAFE_INTEGER);
  const fitting = layout.maxSequenceTokens(kvCacheBytes);
  if (fitting === 0) {
    throw invalid('--kv-cache-memory', `--kv-cache-memory is ${kvCacheBytes}, but the shortest sequence takes ${layout.sequenceBytes(1)}`);
  }
  if (options.maxModelLen !== undefined && fitting < asked) {
    const why = `--kv-cache-memory is ${kvCacheBytes}, but one request of --max-model-len ${asked} tokens takes ${bytesOfOne}`;
    throw invalid('--max-model-len', `${why}: give more memory, or --max-model-len ${fitting}`);
  }
  return { kvCacheBytes, kvCacheDtype, maxModelLen: Math.min(asked, fitting) };
}
