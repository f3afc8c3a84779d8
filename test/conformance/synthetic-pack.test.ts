import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEngine } from '@ringmesh/engine';
import { readShape, writePack } from '@ringmesh/pack';
import type { Quantization } from '@ringmesh/tensor';
import { Tokenizer } from '@ringmesh/tokenizer';
import { PackLayout } from '@ringmesh/weights';
import { afterEach, beforeEach, expect, it } from 'vitest';

/** A layer with a dense MLP, biases and a normalised head: all that a shape can ask for. */
const SHAPE = {
  model_type: 'bailing_moe',
  hidden_size: 128,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 400,
  num_experts: 16,
  num_experts_per_tok: 4,
  num_shared_experts: 1,
  moe_intermediate_size: 128,
  intermediate_size: 256,
  first_k_dense_replace: 1,
  norm_head: true,
  use_bias: true,
  use_qkv_bias: true,
  rms_norm_eps: 1e-6,
  rope_theta: 10_000,
  max_position_embeddings: 128,
  eos_token_id: 3,
};
/** Linear attention in the first and the third of four layers, with all that it can have. */
const LINEAR_SHAPE = {
  ...SHAPE,
  model_type: 'bailing_moe_linear',
  num_hidden_layers: 4,
  layer_group_size: 2,
  use_linear_silu: true,
  linear_rope: true,
  use_linear_gqa: true,
  use_low_rank: true,
};
const GREEDY = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 0, logprobs: 0 };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringmesh-synthetic-'));
});

afterEach(() => rm(folder, { recursive: true }));

/** A greedy generation with a model of random weights. */
async function generate(method: Quantization['method'], seed: number, shape: object = SHAPE): Promise<{ ids: number[]; text: string }> {
  const shapePath = join(folder, 'shape.json');
  await writeFile(shapePath, JSON.stringify(shape));
  const source = { type: 'synthetic' as const, ...(await readShape(shapePath)), seed };
  const packDir = join(folder, `${method}-${seed}`);
  await writePack({ source, packDir, quantization: method === 'f32' || method === 'f16' ? { method } : { method, blockSize: 128 } });
  const tokenizer = await Tokenizer.load(new PackLayout(packDir).tokenizer);
  const engine = await startEngine({ packDir, workers: 'local', threads: 2 }, { onFatal: () => undefined });
  await engine.whenReady();
  const ids: number[] = [];
  const request = { id: 'one', promptIds: tokenizer.encode('Hello'), sampling: GREEDY, maxTokens: 16, stopTokenIds: [] };
  for await (const event of engine.generate(request)) {
    if (event.type === 'failed') throw event.error;
    if (event.type === 'token') {
      ids.push(event.tokenId);
      expect(event.logprob).toBeLessThan(0);
    }
  }
  await engine.close();
  return { ids, text: tokenizer.decode(ids) };
}

it.each(['f32', 'f16', 'q8', 'q4'] as const)('a synthetic pack in %s generates', async (method) => {
  const { ids, text } = await generate(method, 1);
  expect(ids).toHaveLength(16);
  expect(text.length).toBeGreaterThanOrEqual(16);
});

it.each(['f32', 'q8', 'q4'] as const)('a synthetic pack with linear attention in %s generates', async (method) => {
  const { ids, text } = await generate(method, 1, LINEAR_SHAPE);
  expect(ids).toHaveLength(16);
  expect(text.length).toBeGreaterThanOrEqual(16);
});

it('the seed decides what it generates', async () => {
  const [one, two] = [await generate('q8', 1), await generate('q8', 2)];
  expect(one.ids).not.toEqual(two.ids);
});
