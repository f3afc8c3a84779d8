import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { defaultCacheDir, InvalidOptionError, parseChoice, parseInteger } from '@ringmesh/core';
import { KV_CACHE_DTYPE_CHOICES, type KvCacheDtypeChoice } from '@ringmesh/engine';

/** What is measured: the peer, and our two transports. */
export const ENGINES = ['node-llama-cpp', 'local', 'grpc'] as const;
export type EngineName = (typeof ENGINES)[number];

export interface BenchOptions {
  /** `ring-lite`, `ring-lite-linear`, `ling-plus` or the path of a config.json. */
  shape: string;
  /** Undefined: the shape's own. */
  layers: number | undefined;
  /** Each round measures every engine once, in processes of their own. */
  rounds: number;
  measures: ('decode' | 'prefill')[];
  engines: EngineName[];
  /** Descending. */
  batches: number[];
  /** Tokens before the first decoded one. */
  contextTokens: number;
  prefillTokens: number;
  kvCacheDtype: KvCacheDtypeChoice;
  threads: number;
  cacheDir: string;
  /** Where all numbers go, too. */
  json: string | undefined;
}

export const HELP = `npm run bench -- [options]
  --layers <n>         a shallower model, for a quick look (the shape's own)
  --rounds <n>         how often every engine is measured (3)
  --only <list>        decode, prefill (both)
  --transport <list>   of Ringmesh: local, grpc (both)
  --no-peer            leave node-llama-cpp out
  --batches <list>     sequences that decode at once (1,4,8,16)
  --context <n>        tokens before the first decoded one (100)
  --prefill <n>        tokens of the prompt that is prefilled (512)
  --kv-cache-dtype <format>   of Ringmesh: auto, float32 or int8 (auto)
  --threads <n>        compute threads (the number of cores)
  --shape <shape>      ring-lite, ring-lite-linear, ling-plus or the path of a config.json (ring-lite)
  --cache <dir>        where the models are kept: twice 9 GB for ring-lite (the cache folder)
  --json <file>        write all numbers to a file
npm run bench -- --http [--streams <n>] [--seconds <n>]   of the HTTP API instead: many streams, a long prompt
npm run bench -- --http-decode [--help]                   of the HTTP API beside the engine by itself: decode
npm run bench -- --load [--schemas] [--help]              of streams beside long prompts, or hostile schemas: ITL
npm run bench -- --long-context [--help]                  of long contexts: Ring-lite-linear beside Ring-lite
npm run bench -- --prefix [--help]                        of prompts that begin alike: time to the first token
npm run bench -- --sampling [--help]                      of choosing a token of a large vocabulary: ms
npm run bench -- --soak [--help]                          of a thousand streams for minutes: none wrong, memory flat
npm run bench -- --speculative [--help]                   of guessed tokens: decode with and without, texts that repeat themselves and not`;

/** @throws InvalidOptionError */
export function parseOptions(args: string[]): BenchOptions | 'help' {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    args,
    options: {
      layers: text,
      rounds: text,
      only: text,
      transport: text,
      'no-peer': flag,
      batches: text,
      context: text,
      prefill: text,
      'kv-cache-dtype': text,
      threads: text,
      shape: text,
      cache: text,
      json: text,
      help: flag,
    },
  });
  if (values.help === true) return 'help';
  const batches = (values.batches ?? '1,4,8,16').split(',').map((batch) => parseInteger('--batches', batch, 1, 256)!);
  return {
    shape: values.shape ?? 'ring-lite',
    layers: parseInteger('--layers', values.layers, 1, 1024),
    rounds: parseInteger('--rounds', values.rounds, 1, 100) ?? 3,
    measures: parseList('--only', values.only, ['decode', 'prefill']),
    engines: [
      ...(values['no-peer'] === true ? [] : ['node-llama-cpp' as const]),
      ...parseList('--transport', values.transport, ['local', 'grpc']),
    ],
    batches: batches.sort((a, b) => b - a),
    contextTokens: parseInteger('--context', values.context, 1, 2 ** 20) ?? 100,
    prefillTokens: parseInteger('--prefill', values.prefill, 1, 2 ** 20) ?? 512,
    kvCacheDtype: parseChoice('--kv-cache-dtype', values['kv-cache-dtype'], KV_CACHE_DTYPE_CHOICES) ?? 'auto',
    threads: parseInteger('--threads', values.threads, 1, 256) ?? availableParallelism(),
    cacheDir: resolve(values.cache ?? join(defaultCacheDir(), 'bench')),
    json: values.json,
  };
}

function parseList<T extends string>(option: string, text: string | undefined, choices: readonly T[]): T[] {
  if (text === undefined) return [...choices];
  return text.split(',').map((name) => {
    const choice = choices.find((candidate) => candidate === name);
    if (choice !== undefined) return choice;
    throw new InvalidOptionError(`${option}: ${JSON.stringify(name)} is not one of ${choices.join(', ')}`, { field: option });
  });
}
