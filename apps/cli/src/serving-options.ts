import { parseInteger, parseShutdownTimeout } from '@ringmesh/core';
import type { RawRouterOptions } from '@ringmesh/router';
import type { ClusterOptions } from './local-cluster.js';

/** What commander read: a flag is true, an option that may be given several times a list. */
export type Options = Record<string, string | string[] | boolean | undefined>;

/** An option as commander takes it. `parse` gets what earlier ones gave. */
export type Option = readonly [flags: string, description: string, parse?: (value: string, earlier: string[] | undefined) => string[]];

/** Options of the router that `serve` passes on: flag with its value's name, and what it is for. */
export const SERVING_OPTIONS = [
  ['--host <host>', 'where the API listens (127.0.0.1)'],
  ['--port <port>', 'port of the API; 0 = any free one (8000)'],
  ['--metrics-port <port>', 'port of /metrics, /health and /ready alone; 0 = any free one (/metrics is part of the API)'],
  ['--api-key <key>', 'clients must send it; may be given several times (the variable RINGMESH_API_KEY)', several],
  ['--api-keys-file <file>', 'more keys, with names and limits: docs/admission.md'],
  ['--wire <format>', 'hidden states between router and workers: f32, bf16 or f16 (f32)'],
  ['--threads <n>', 'compute threads, where the router computes the experts (by the number of cores)'],
  ['--max-num-seqs <n>', 'sequences that run at once; more wait (256)'],
  ['--max-num-batched-tokens <n>', 'tokens of one step at most (512)'],
  ['--max-num-queued-requests <n>', 'requests that wait at most; more are answered 429 (2048)'],
  ['--max-num-queued-tokens <n>', 'prompt tokens of the requests that wait, at most (4194304)'],
  ['--max-model-len <n>', "tokens of prompt and answer together (the model's own)"],
  ['--kv-cache-memory <size>', 'memory for keys and values, for example 4GiB (40 % of what is free)'],
  ['--kv-cache-dtype <format>', 'keys and values: auto, float32 or int8 (auto: int8 with a q8 or q4 pack)'],
  ['--prefix-caching <setting>', 'on: prompts that begin alike are computed once; off (on)'],
  ['--deterministic', 'same request, same seed: same bits, whatever else is served; slower, and not with --speculation: docs/sampling.md'],
  ['--speculation <setting>', 'guesses tokens from what came before: off, auto (where it is faster) or always (off)'],
  ['--num-speculative-tokens <n>', 'tokens of a sequence that are guessed for a step at most (8)'],
  ['--prompt-lookup-min <n>', 'tokens that must have come before, for a guess (3)'],
  ['--prompt-lookup-max <n>', 'tokens that are compared at most, to find the best guess (8)'],
  ['--served-model-name <name>', "name in the API (the checkpoint folder's name)"],
  ['--reasoning-parser <name>', 'finds thoughts in chats: think (<think>…</think>) or none (think)'],
  ['--tool-call-parser <name>', 'finds tool calls in chats: hermes (<tool_call>{json}</tool_call>) or none (hermes)'],
  ['--responses-store-size <n>', 'responses kept for GET /v1/responses and previous_response_id; 0 = none (10000)'],
  ['--responses-store-memory <size>', 'memory for responses that are kept (64MiB)'],
  ['--responses-store-ttl <time>', 'how long a response is kept after its last use (24h)'],
  ['--dispatch-timeout <time>', 'how long experts may take to answer (30s)'],
  ['--shutdown-timeout <time>', 'how long running requests may take to finish at the end (25s)'],
  ['--otlp-traces-endpoint <url>', 'send traces to this OpenTelemetry collector, over HTTP: docs/tracing.md (the variables OTEL_*; none)'],
  ['--log-level <level>', 'trace, debug, info, warn, error, fatal or silent (info)'],
] as const;

/** Unlike the command line, the environment is not shown to every user of the machine. */
export function apiKeyFromEnvironment(): { apiKey?: string[] } {
  const key = process.env['RINGMESH_API_KEY'];
  return key === undefined || key === '' ? {} : { apiKey: [key] };
}

/** How the router and the workers of `serve` are started. */
export function processArgs(options: RawRouterOptions & Options): Omit<ClusterOptions, 'packDir' | 'shardsOfWorkers'> {
  return {
    routerArgs: routerArgs(options),
    routerEnvironment: { RINGMESH_API_KEY: process.env['RINGMESH_API_KEY'] },
    workerArgs: workerArgs(options),
    shutdownTimeoutMs: parseShutdownTimeout(options.shutdownTimeout),
  };
}

/** Of an option that may be given several times. */
function several(value: string, earlier: string[] = []): string[] {
  return [...earlier, value];
}

/** The serving options that were given, as arguments again. */
function routerArgs(options: Options): string[] {
  return SERVING_OPTIONS.flatMap(([flags]) => {
    const [flag] = flags.split(' ') as [string];
    const value = options[flag.slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
    if (value === undefined) return [];
    return value === true ? [flag] : [value].flat().flatMap((one) => [flag, String(one)]);
  });
}

/** What of them concerns workers: they take batches as large as the router makes them. */
function workerArgs({ maxNumBatchedTokens, logLevel, shutdownTimeout, otlpTracesEndpoint }: RawRouterOptions): string[] {
  parseInteger('--max-num-batched-tokens', maxNumBatchedTokens, 1, 65_536);
  const args = {
    '--max-tokens': maxNumBatchedTokens,
    '--log-level': logLevel,
    '--shutdown-timeout': shutdownTimeout,
    '--otlp-traces-endpoint': otlpTracesEndpoint,
  };
  return Object.entries(args).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
}
