import { readFileSync } from 'node:fs';
import type { RawRouterOptions } from '@ringmesh/router';
import type { RawWorkerOptions } from '@ringmesh/worker';
import { Command } from 'commander';
import type { BenchServeOptions } from './bench/bench-options.js';
import type { DoctorOptions } from './doctor/doctor.js';
import type { EvaluateOptions } from './evaluate.js';
import type { PackCommandOptions, PackSourceOptions } from './pack.js';
import type { PullCommandOptions } from './pull.js';
import { runToEnd, runUntilSignal } from './run-until-signal.js';
import type { ServeOptions } from './serve.js';
import { apiKeyFromEnvironment, type Option, type Options, processArgs, SERVING_OPTIONS } from './serving-options.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

const VERIFY_OPTION = ['--verify', "hash the pack's files again, though this machine has verified them before"] as const;

const PACK_OPTIONS = [
  ['--quantize <format>', 'number format of the weights: f32, f16, q8 or q4 (f32)'],
  ['--block-size <n>', 'weights that share a scale, with q8 and q4: 32 is closer to the original, 128 is faster (128)'],
  ['--shards <n>', 'shards to cut the experts of each layer into (8)'],
] as const;

const WORKER_OPTIONS = [
  ['--shards <list>', 'shards to host, for example 0-3,6 (all)'],
  ['--listen <address>', 'host:port of the expert service; port 0 = any free one (127.0.0.1:7000)'],
  ['--advertise <address>', 'under which routers reach it, where that differs'],
  ['--threads <n>', 'compute threads (the number of cores)'],
  ['--max-tokens <n>', 'rows of one request at most (2048)'],
  ['--metrics-port <port>', 'port of /metrics, /health and /ready; 0 = any free one (0)'],
  ['--redis-url <url>', 'register here, so that routers find it (the variable REDIS_URL)'],
  ['--shutdown-timeout <time>', 'how long requests in flight may take to finish at the end (25s)'],
  ['--otlp-traces-endpoint <url>', 'send traces to this OpenTelemetry collector, over HTTP: docs/tracing.md (the variables OTEL_*; none)'],
  ['--log-level <level>', 'trace, debug, info, warn, error, fatal or silent (info)'],
] as const;

const HUB_OPTIONS = [
  ['--source <hub>', 'huggingface or modelscope (huggingface)'],
  ['--revision <name>', "branch, tag or commit (the hub's main branch)"],
  ['--endpoint <url>', 'a mirror of the hub'],
] as const;

const BENCH_SERVE_OPTIONS = [
  ['--model <name>', 'model to ask for (the first that GET /v1/models lists)'],
  ['--api-key <key>', 'sent as a bearer token (the variable OPENAI_API_KEY)'],
  ['--endpoint <name>', 'chat or completions (chat)'],
  ['--request-rate <n>', 'open loop: requests a second, or inf for all at once (inf)'],
  ['--arrivals <kind>', 'of the open loop: poisson or constant (poisson)'],
  ['--concurrency <n>', 'closed loop instead: requests that run at once'],
  ['--num-prompts <n>', 'requests at most, up to 10000 (100)'],
  ['--duration <time>', 'send no more after this time (no limit)'],
  ['--input-len <n>', 'words of each prompt, or a range 100-500; its tokens are counted by the server (64)'],
  ['--output-len <n>', 'tokens of each answer at most, or a range 100-500 (128)'],
  ['--prefix-len <n>', 'words that all prompts start with, besides (0)'],
  ['--dataset <file>', 'JSON lines instead, each with "prompt" or "messages"'],
  ['--ignore-eos', 'make every answer that long, where the server knows ignore_eos'],
  ['--warmup <n>', 'requests before that do not count (1)'],
  ['--seed <n>', 'of prompts and arrivals (0)'],
  ['--timeout <time>', 'how long a request may take (600s)'],
  ['--goodput <limits...>', 'milliseconds that a good request takes at most: ttft:500 tpot:50 e2e:5000'],
  ['--min-goodput <share>', 'exit with 1 where fewer of all requests keep these limits: 0.95'],
  ['--json', 'print the figures as JSON'],
  ['--svg <file>', 'write a picture of the distributions'],
] as const;

const TRANSPORT_OPTIONS = [
  ['--tls-ca <file>', 'certificate authority of the other side'],
  ['--tls-cert <file>', 'own certificate'],
  ['--tls-key <file>', 'key of the own certificate'],
  ['--allow-insecure', 'plain text to and from other machines'],
] as const;

/**
 * The `ringmesh` command line. Options stay strings here; each command's own code checks them. Commands load what they run when they run, so
 * that a worker does not carry the router's memory, and a wrong option is told at once.
 */
export function program(): Command {
  const ringmesh = new Command('ringmesh').description('Serves Ring and Ling models: a router, and workers that share the experts.');
  ringmesh.version(version, '-V, --version', 'print the version');
  ringmesh.showHelpAfterError('(--help lists the options)');

  withOptions(ringmesh.command('serve'), [...SERVING_OPTIONS, ...PACK_OPTIONS, VERIFY_OPTION, ...HUB_OPTIONS])
    .description('pull and pack a model where needed, then run a router and workers on this machine')
    .requiredOption('--model <model>', "a Hugging Face checkpoint's folder, a pack's, or a model at a hub: inclusionAI/Ring-lite")
    .option('--workers <n>', "worker processes; 0 = the experts run in the router's own process (0)")
    .action((options: ServeOptions & Options) =>
      runUntilSignal(async (signal) => {
        const { serve } = await import('./serve.js');
        return serve({ ...apiKeyFromEnvironment(), ...options }, processArgs(options), signal);
      }),
    );

  withOptions(ringmesh.command('pull'), HUB_OPTIONS)
    .description('load a checkpoint from a hub, going on where an earlier pull was cut')
    .argument('<model>', 'its name there: inclusionAI/Ring-lite')
    .option('--to <dir>', 'folder to load it into (one in the cache folder)')
    .addHelpText('after', '\nA private or gated model needs a token in HF_TOKEN or MODELSCOPE_API_TOKEN.')
    .action(async (model: string, options: PullCommandOptions) => {
      const { pull } = await import('./pull.js');
      await pull(model, options);
    });

  withOptions(ringmesh.command('pack'), PACK_OPTIONS)
    .description('turn a Hugging Face checkpoint into a pack; interrupted, it goes on where it stopped')
    .usage('[options] <checkpoint> <pack>\n       ringmesh pack [options] --synthetic <shape> <pack>')
    .argument('<folders...>', 'folder of the checkpoint, and the folder to write, which must not exist')
    .option(
      '--synthetic <shape>',
      'random weights instead of a checkpoint: ring-lite, ring-lite-linear, ling-plus or the path of a config.json',
    )
    .option('--layers <n>', "layers of the synthetic model (the shape's own)")
    .option('--seed <n>', 'of the synthetic weights (0)')
    .option('--threads <n>', 'packing threads (the number of cores, 8 at most)')
    .action(async (folders: string[], options: PackCommandOptions & PackSourceOptions) => {
      const { pack } = await import('./pack.js');
      await pack(folders, options);
    });

  withOptions(ringmesh.command('evaluate'), HUB_OPTIONS)
    .description('what number formats change of a model, against f32: KL divergence and top-1 agreement over a text, exact-match accuracy')
    .option('--model <model>', "a Hugging Face checkpoint's folder, or a model at a hub (the sample model)")
    .option('--quantize <formats>', 'number formats to compare: f16, q8, q4, separated by commas (q8,q4)')
    .option('--block-size <n>', 'weights that share a scale, with q8 and q4: 32 or 128 (128)')
    .option('--text <file>', 'UTF-8 text to predict at every position, 4 MiB at most (the questions, and the answers of f32)')
    .option(
      '--tasks <file>',
      'a JSON object a line: {"messages": [{"role", "content"}, …], "reply"} (those of the sample model, for itself)',
    )
    .option('--kv-cache-dtype <format>', 'keys and values of the formats compared: auto, float32 or int8 (auto)')
    .option('--samples <n>', 'take the first n tasks only (all)')
    .option('--json', 'print the figures as JSON')
    .addHelpText('after', '\nf32 and all formats are open at once: give one format at a time where memory is short.')
    .action(async (options: EvaluateOptions) => {
      const { evaluate } = await import('./evaluate.js');
      await evaluate(options);
    });

  withOptions(ringmesh.command('router'), [...SERVING_OPTIONS, VERIFY_OPTION, ...TRANSPORT_OPTIONS])
    .description('the API, for workers that run elsewhere or none')
    .requiredOption('--pack <dir>', 'the pack to serve')
    .option('--workers <list>', 'host:port of each worker, and local for this process, separated by commas (local)')
    .option(
      '--local-shards <list>',
      'shards that this process computes, beside those of workers, for example 0-3,6 (all, where it is local)',
    )
    .option('--redis-url <url>', 'find the workers that register here instead (the variable REDIS_URL)')
    .action((options: RawRouterOptions) =>
      runUntilSignal(async () => {
        const { parseRouterOptions, startRouter } = await import('@ringmesh/router');
        const registry = options.workers === undefined ? registryFromEnvironment() : {};
        const router = await startRouter(parseRouterOptions({ ...registry, ...apiKeyFromEnvironment(), ...options }));
        console.log(`ringmesh router listening on ${router.url} (metrics on ${router.metricsUrl})`);
        return { close: () => router.close(), lost: async () => (await router.failed).message };
      }),
    );

  withOptions(ringmesh.command('worker'), [...WORKER_OPTIONS, VERIFY_OPTION, ...TRANSPORT_OPTIONS])
    .description('the experts of some shards, for routers that run elsewhere')
    .requiredOption('--pack <dir>', 'the pack to serve')
    .action((options: RawWorkerOptions) =>
      runUntilSignal(async () => {
        const { parseWorkerOptions, startWorker } = await import('@ringmesh/worker');
        const worker = await startWorker(parseWorkerOptions({ ...registryFromEnvironment(), ...options }));
        console.log(`ringmesh worker listening on ${worker.address} (metrics on ${worker.metricsAddress})`);
        return worker;
      }),
    );

  ringmesh
    .command('doctor')
    .description("measure this machine and, with a pack, start it: time to start, memory, speed beside the memory's bound")
    .argument('[pack]', 'folder of a pack')
    .option('--workers <n>', "worker processes; 0 = the experts run in the router's own process (0)")
    .option('--json', 'all figures as JSON instead of text')
    .action((packDir: string | undefined, options: DoctorOptions) =>
      runToEnd(async (signal) => {
        const { doctor } = await import('./doctor/doctor.js');
        await doctor(packDir, options, signal);
      }),
    );

  const bench = ringmesh.command('bench').description('measure a running server');
  withOptions(bench.command('serve'), BENCH_SERVE_OPTIONS)
    .description('load on any OpenAI-compatible API: TTFT, ITL, TPOT, end to end, throughput, goodput')
    .requiredOption('--url <url>', 'base of the API: http://127.0.0.1:8000')
    .action((options: BenchServeOptions) =>
      runToEnd(async (signal) => {
        const { benchServe } = await import('./bench/bench-serve.js');
        await benchServe(options, signal);
      }),
    );
  return ringmesh;
}

function registryFromEnvironment(): { redisUrl?: string } {
  const redisUrl = process.env['REDIS_URL'];
  return redisUrl === undefined || redisUrl === '' ? {} : { redisUrl };
}

function withOptions(command: Command, options: readonly Option[]): Command {
  for (const [flags, description, parse] of options) {
    if (parse === undefined) command.option(flags, description);
    else command.option(flags, description, parse);
  }
  return command;
}
