/** `npm run bench -- --soak`: many streams of mixed length at once, for minutes: none fails, none is wrong, memory stays flat. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { formatBytes, parseInteger, table } from '@ringmesh/core';
import { uniform } from '@ringmesh/sampler';
import { packedModel, RingmeshProcess, SAMPLE_MODEL } from '@ringmesh/testing';
import { readManifest } from '@ringmesh/weights';
import OpenAI from 'openai';
import { runForJson } from '../child-process.ts';
import { spreadOf } from '../statistics.ts';
import type { SoakClientsOptions, SoakClientsResult } from './clients.ts';
import { residentBytesOfTree } from './process-memory.ts';
import { type SoakPrompt, soakPrompts } from './prompts.ts';

const HELP = `npm run bench -- --soak [options]
  --streams <n>          clients that stream at once (1000)
  --seconds <n>          how long they do, each request after the other (600)
  --prompts <n>          different prompts (64)
  --abort <percent>      of the streams that their client leaves before the end (5)
  --workers <n>          worker processes; 0: the experts are in the router's process (0)
  --kv-cache-memory <s>  as of the router: little, for preemption (256MiB)
  --model <dir>          checkpoint (ring-nano)`;

/** What memory may grow by from the second third of the time to the last. */
const MAX_GROWTH = 1.05;
/** Ids are binding up to the first step whose two best log probabilities are closer than this: what else is in a batch moves the last bits. */
const NEAR_TIE = 1e-3;
const SAMPLE_MS = 1000;

interface Sample {
  seconds: number;
  bytes: number;
  kvCacheUsage: number;
  running: number;
}

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    soak: { type: 'boolean' },
    streams: text,
    seconds: text,
    prompts: text,
    abort: text,
    workers: text,
    'kv-cache-memory': text,
    model: text,
    help: { type: 'boolean' },
  },
});
if (values.help === true) console.log(HELP);
else process.exitCode = (await soak()) ? 0 : 1;

/** @returns whether everything held */
async function soak(): Promise<boolean> {
  const streams = parseInteger('--streams', values.streams, 1, 10_000) ?? 1000;
  const seconds = parseInteger('--seconds', values.seconds, 3, 86_400) ?? 600;
  const abortPercent = parseInteger('--abort', values.abort, 0, 100) ?? 5;
  const packDir = await packedModel(values.model === undefined ? SAMPLE_MODEL : resolve(values.model));
  const { config } = await readManifest(packDir);
  let drawn = 0;
  const prompts = soakPrompts(
    parseInteger('--prompts', values.prompts, 1, 10_000) ?? 64,
    config.vocabSize,
    config.maxPositionEmbeddings,
    () => uniform(0, drawn++),
  );
  const args = ['serve', '--model', packDir, '--port', '0', '--workers', values.workers ?? '0'];
  const serve = new RingmeshProcess([...args, '--kv-cache-memory', values['kv-cache-memory'] ?? '256MiB', '--log-level', 'warn']);
  try {
    const url = await serve.line(/ at (http:\S+)\/v1/);
    const binding = await answersAlone(url, prompts);
    console.error(`${prompts.length} prompts answered alone: ${binding.flat().length} tokens are binding`);
    const samples: Sample[] = [];
    const start = performance.now();
    const sampler = setInterval(() => void sample(url, serve.pid, start).then((each) => samples.push(each)), SAMPLE_MS);
    const options: SoakClientsOptions = { url, streams, seconds, prompts, binding, abortPercent };
    const result = (await runForJson('./soak/clients.ts', [JSON.stringify(options)])) as SoakClientsResult;
    clearInterval(sampler);
    const atEnd = await sample(url, serve.pid, start);
    return show(result, samples, atEnd, await metric(url, 'vllm:num_preemptions_total'));
  } finally {
    await serve.kill();
  }
}

/** One after the other. @returns of each prompt, the greedy ids up to the first near tie */
async function answersAlone(url: string, prompts: SoakPrompt[]): Promise<number[][]> {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none' });
  const model = (await client.models.list()).data[0]!.id;
  const answers: number[][] = [];
  for (const { ids, maxTokens } of prompts) {
    const body = {
      model,
      prompt: ids,
      max_tokens: maxTokens,
      temperature: 0,
      ignore_eos: true,
      return_token_ids: true,
      logprobs: 2,
      return_tokens_as_token_ids: true,
    };
    const choice = (await client.completions.create(body)).choices[0] as OpenAI.CompletionChoice & { token_ids: number[] };
    const margins = choice.logprobs!.top_logprobs!.map((top) => {
      const [best, second] = Object.values(top).sort((a, b) => b - a);
      return best! - second!;
    });
    const tie = margins.findIndex((margin) => margin < NEAR_TIE);
    answers.push(tie === -1 ? choice.token_ids : choice.token_ids.slice(0, tie));
  }
  return answers;
}

async function sample(url: string, pid: number, start: number): Promise<Sample> {
  const [kvCacheUsage, running] = await Promise.all([metric(url, 'vllm:kv_cache_usage_perc'), metric(url, 'vllm:num_requests_running')]);
  return { seconds: (performance.now() - start) / 1000, bytes: residentBytesOfTree(pid), kvCacheUsage, running };
}

async function metric(url: string, name: string): Promise<number> {
  const scrape = await (await fetch(`${url}/metrics`)).text();
  const found = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(scrape)?.[1];
  if (found === undefined) throw new Error(`/metrics has no ${name}`);
  return Number(found);
}

function show(result: SoakClientsResult, samples: Sample[], atEnd: Sample, preemptions: number): boolean {
  const duration = samples.at(-1)!.seconds;
  const between = (from: number, to: number): Sample[] =>
    samples.filter(({ seconds }) => seconds >= from * duration && seconds <= to * duration);
  const medianBytes = (of: Sample[]): number => spreadOf(of.map(({ bytes }) => bytes)).median;
  const parts = 10;
  const rows = Array.from({ length: parts }, (_, part) => {
    const those = between(part / parts, (part + 1) / parts);
    const usage = those.map(({ kvCacheUsage }) => kvCacheUsage);
    return [
      `${((duration * (part + 1)) / parts).toFixed(0)} s`,
      formatBytes(medianBytes(those)),
      `${(Math.max(...usage) * 100).toFixed(0)} %`,
      String(Math.max(...those.map(({ running }) => running))),
    ];
  });
  console.log(table([['until', 'resident, median', 'KV memory, most', 'running, most'], ...rows]));
  const growth = medianBytes(between(2 / 3, 1)) / medianBytes(between(1 / 3, 2 / 3));
  const { completed, aborted, tokens, wrong, errors } = result;
  console.log(
    `\n${completed} streams were whole, ${aborted} left by their client, ${tokens} tokens, ${(tokens / duration).toFixed(0)} a second`,
  );
  console.log(`${preemptions} preemptions; memory grew by ${((growth - 1) * 100).toFixed(1)} % from the second third to the last`);
  for (const error of [...new Set(errors)].slice(0, 5)) console.error(`failed: ${error}`);
  for (const each of wrong.slice(0, 5)) console.error(`wrong: ${each}`);
  const checks: [string, boolean][] = [
    [`${errors.length} streams failed`, errors.length === 0],
    [`${wrong.length} streams were wrong`, wrong.length === 0],
    [`memory may grow by ${((MAX_GROWTH - 1) * 100).toFixed(0)} %`, growth <= MAX_GROWTH],
    [
      `at the end ${(atEnd.kvCacheUsage * 100).toFixed(1)} % of the KV memory is in use, by ${atEnd.running} requests`,
      atEnd.kvCacheUsage === 0,
    ],
  ];
  for (const [what, holds] of checks) console.log(`${holds ? 'ok    ' : 'MISSED'} ${what}`);
  return checks.every(([, holds]) => holds);
}
