import type { RawRouterOptions } from '@ringmesh/router';
import {
  bindingGreedyIds,
  decisions,
  goldenModels,
  type GoldenPrompt,
  logSoftmax,
  packedModel,
  startWorker,
  TestCluster,
} from '@ringmesh/testing';
import { readManifest } from '@ringmesh/weights';
import { describe, expect, it } from 'vitest';
import { startTestRouter } from '../openai/test-router.js';

/** The goldens through real processes and the API: every topology gives the authors' numbers, and all topologies the same bits. Models two at a time: nothing here waits for a deadline. */

const TOP_LOGPROBS = 20;

interface Choice {
  token_ids: number[];
  prompt_token_ids: number[];
  routed_experts: number[][][] | null;
  logprobs: { token_logprobs: number[]; top_logprobs: Record<string, number>[] };
}

/** The shards of each worker, and of the router's own process where it has some beside workers. */
interface Topology {
  workers: number[][];
  localShards?: number[];
}

/** Ways to lay S shards out: contiguous or dealt out, each shard on one host or on two, over both transports. */
function topologies(numShards: number): Record<string, Topology> {
  const shards = Array.from({ length: numShards }, (_, shard) => shard);
  const dealt = (count: number): number[][] => Array.from({ length: count }, (_, host) => shards.filter((shard) => shard % count === host));
  return {
    'one process': { workers: [] },
    'one worker': { workers: [shards] },
    'two workers': { workers: [shards.slice(0, numShards / 2), shards.slice(numShards / 2)] },
    'three workers, shards dealt out': { workers: dealt(3) },
    'two workers that both host everything': { workers: [shards, shards.toReversed()] },
    'this process and two workers, some shards in both': {
      workers: [shards.slice(1, numShards / 2), shards.slice(numShards / 2 - 1)],
      localShards: shards.slice(0, numShards / 2),
    },
  };
}

/** What the tests ask of a cluster. */
type Cluster = Pick<TestCluster, 'url' | 'close'>;

/** A router process, with as many compute threads as it takes by itself, and its workers. */
function startProcesses(packDir: string, { workers, localShards }: Topology): Promise<Cluster> {
  return TestCluster.start(packDir, workers, localShards === undefined ? [] : ['--local-shards', localShards.join(',')]);
}

/** The same with the router in this process, on one thread, which is there in a fraction of the time. */
async function startHere(packDir: string, { workers, localShards }: Topology, options: RawRouterOptions = {}): Promise<Cluster> {
  const running = await Promise.all(workers.map((shards) => startWorker(packDir, shards)));
  const addresses = running.map(({ address }) => address).join(',');
  const local = localShards === undefined ? {} : { localShards: localShards.join(',') };
  const router = await startTestRouter({ pack: packDir, workers: addresses, ...local, ...options });
  return {
    url: router.url,
    close: async () => {
      await router.close();
      await Promise.all(running.map(({ process }) => process.kill()));
    },
  };
}

/** Topologies of router processes, whose generations are followed to the end; of the others, the first tokens must have the same bits. */
const FULL_LENGTH = ['one process', 'two workers'];
const SHORT_LENGTH = 8;

async function complete(url: string, prompt: GoldenPrompt, maxTokens = prompt.greedy.ids.length): Promise<Choice> {
  const response = await fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      prompt: prompt.ids,
      max_tokens: maxTokens,
      temperature: 0,
      repetition_penalty: 1, // whatever the model's own generation_config.json says
      logprobs: TOP_LOGPROBS,
      ignore_eos: true,
      return_token_ids: true,
      return_tokens_as_token_ids: true,
      return_routed_experts: true,
    }),
  });
  expect(response.status).toBe(200);
  const { choices } = (await response.json()) as { choices: [Choice] };
  return choices[0];
}

/** Log probabilities after the prompt, ids of the greedy generation, and the gate's decisions for the prompt's tokens. */
function expectGolden(prompt: GoldenPrompt, choice: Choice): void {
  expect(choice.prompt_token_ids).toEqual(prompt.ids);
  const binding = bindingGreedyIds(prompt).slice(0, choice.token_ids.length);
  expect(choice.token_ids.slice(0, binding.length)).toEqual(binding);
  const golden = logSoftmax(prompt.last_logits);
  const top = Object.entries(choice.logprobs.top_logprobs[0]!);
  expect(top.length).toBeGreaterThanOrEqual(TOP_LOGPROBS);
  for (const [token, logprob] of top) expect(Math.abs(logprob - golden[Number(token.replace('token_id:', ''))]!)).toBeLessThan(1e-3);
  for (const [layer, { ids }] of Object.entries(prompt.router ?? {})) {
    const index = Number(layer);
    const routed = choice.routed_experts!.slice(0, prompt.ids.length).map((layers) => layers[index]!);
    expect(decisions(routed)).toEqual(decisions(ids));
  }
}

/** What must not differ by a bit, of the first tokens. */
function bits(choice: Choice, numTokens = choice.token_ids.length): unknown {
  const { token_ids, prompt_token_ids, routed_experts, logprobs } = choice;
  return [
    token_ids.slice(0, numTokens),
    logprobs.token_logprobs.slice(0, numTokens),
    logprobs.top_logprobs.slice(0, numTokens),
    routed_experts!.slice(0, prompt_token_ids.length + numTokens - 1),
  ];
}

describe.concurrent.each(goldenModels('bailing_moe'))('$name', ({ dir, prompts }) => {
  it('gives the golden numbers, and the same bits, however its experts are laid out', async () => {
    const packDir = await packedModel(dir);
    const { numShards } = await readManifest(packDir);
    let reference: Choice[] | undefined;
    for (const [name, layout] of Object.entries(topologies(numShards))) {
      const isFull = FULL_LENGTH.includes(name);
      const cluster = await (isFull ? startProcesses : startHere)(packDir, layout);
      try {
        const length = isFull ? undefined : SHORT_LENGTH;
        const choices: Choice[] = [];
        for (const prompt of prompts) choices.push(await complete(cluster.url, prompt, length));
        for (const [index, choice] of choices.entries()) expectGolden(prompts[index]!, choice);
        reference ??= choices;
        expect(
          choices.map((choice) => bits(choice)),
          name,
        ).toEqual(reference.map((choice, index) => bits(choice, choices[index]!.token_ids.length)));
      } finally {
        await cluster.close();
      }
    }
  });
});

/** How experts are laid out does not depend on the kind of attention: two ways will do here, once, and the ends of generations come below. */
describe.concurrent.each(goldenModels('bailing_moe_linear'))('$name', ({ name: model, dir, prompts }) => {
  it('gives the golden numbers to prompts alone', async () => {
    const packDir = await packedModel(dir);
    const { numShards } = await readManifest(packDir);
    const reference: unknown[] = [];
    const isFirst = model === 'ring-tiny-linear';
    for (const name of isFirst ? FULL_LENGTH : ['two workers']) {
      const cluster = await (isFirst ? startProcesses : startHere)(packDir, topologies(numShards)[name]!);
      try {
        for (const [index, prompt] of prompts.entries()) {
          const choice = await complete(cluster.url, prompt, SHORT_LENGTH);
          expectGolden(prompt, choice);
          expect(bits(choice), name).toEqual((reference[index] ??= bits(choice)));
        }
      } finally {
        await cluster.close();
      }
    }
  });
});

describe.concurrent.each([...goldenModels('bailing_moe'), ...goldenModels('bailing_moe_linear')])('$name', ({ dir, prompts }) => {
  it('gives the golden numbers to prompts that are sent at once, in chunks smaller than the prompts', async () => {
    const packDir = await packedModel(dir);
    const { numShards } = await readManifest(packDir);
    const cluster = await startHere(packDir, topologies(numShards)['two workers']!, { maxNumBatchedTokens: '24' });
    try {
      const choices = await Promise.all(prompts.map((prompt) => complete(cluster.url, prompt)));
      for (const [index, choice] of choices.entries()) expectGolden(prompts[index]!, choice);
    } finally {
      await cluster.close();
    }
  });
});
