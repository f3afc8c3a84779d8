import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointMismatchError, type RingmeshError } from '@ringmesh/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Checkpoint } from './checkpoint.js';
import { readModelConfig } from './config.js';
import { expectedTensors } from './expected-tensors.js';
import type { ModelConfig } from './model-config.js';
import { validateCheckpoint } from './validate-checkpoint.js';

const goldens = join(import.meta.dirname, '../../../test/fixtures/goldens');

const SOFTMAX_GOLDENS = ['ring-tiny', 'ring-tiny-distill', 'ring-tiny-switches', 'ring-tiny-yarn'];
const LINEAR_GOLDENS = ['ring-tiny-linear', 'ring-tiny-linear-b', 'ring-tiny-linear-c'];

async function withGolden(name: string, use: (config: ModelConfig, checkpoint: Checkpoint) => void): Promise<void> {
  const checkpoint = await Checkpoint.open(join(goldens, name));
  use(await readModelConfig(join(goldens, name)), checkpoint);
  await checkpoint.close();
}

describe('expectedTensors and validateCheckpoint', () => {
  it.each([...SOFTMAX_GOLDENS, ...LINEAR_GOLDENS])('accept %s, tensor by tensor', (name) =>
    withGolden(name, (config, checkpoint) => {
      expect([...expectedTensors(config).keys()].sort()).toEqual(checkpoint.names().sort());
      expect(() => validateCheckpoint(config, checkpoint)).not.toThrow();
    }),
  );
});

describe('validateCheckpoint names the tensor and the field', () => {
  const changes: [golden: string, change: Partial<ModelConfig>, tensor: string, message: RegExp][] = [
    [
      'ring-tiny',
      { vocabSize: 513 },
      'model.word_embeddings.weight',
      /shape \[512, 64\], expected \[513, 64\] \(config\.json: vocab_size 513\)/,
    ],
    ['ring-tiny', { headDim: 24 }, 'model.layers.0.attention.query_key_value.weight', /\[128, 64\], expected \[192, 64\].*head_dim 24/],
    ['ring-tiny', { numLayers: 5 }, 'model.layers.4.input_layernorm.weight', /missing.*num_hidden_layers 5.*and 3\d more tensors/],
    ['ring-tiny', { numLayers: 3 }, 'model.layers.3.attention.dense.weight', /against config\.json: num_hidden_layers 3/],
    ['ring-tiny', { numExperts: 9 }, 'model.layers.0.mlp.gate.weight', /\[8, 64\], expected \[9, 64\].*num_experts 9/],
    [
      'ring-tiny',
      { numSharedExperts: 0 },
      'model.layers.0.mlp.shared_experts.down_proj.weight',
      /against config\.json: num_shared_experts 0/,
    ],
    [
      'ring-tiny',
      { numSharedExperts: 1 },
      'model.layers.0.mlp.shared_experts.gate_proj.weight',
      /expected \[32, 64\].*moe_intermediate_size 32, config\.json: num_shared_experts 1/,
    ],
    ['ring-tiny', { useBias: true }, 'model.layers.0.attention.dense.bias', /missing.*use_bias true/],
    [
      'ring-tiny',
      { firstKDenseReplace: 1, intermediateSize: 176 },
      'model.layers.0.mlp.gate_proj.weight',
      /missing.*first_k_dense_replace 1/,
    ],
    [
      'ring-tiny-distill',
      { useQkvBias: false },
      'model.layers.0.attention.query_key_value.bias',
      /against config\.json: use_qkv_bias false/,
    ],
    ['ring-tiny-distill', { useBias: false }, 'model.layers.0.attention.dense.bias', /against config\.json: use_bias false/],
    ['ring-tiny-distill', { intermediateSize: 128 }, 'model.layers.0.mlp.gate_proj.weight', /expected \[128, 80\].*intermediate_size 128/],
    [
      'ring-tiny-linear',
      { useLinearGqa: true },
      'model.layers.0.attention.query_key_value.weight',
      /expected \[128, 64\].*use_linear_gqa true/,
    ],
    [
      'ring-tiny-linear',
      { layerGroupSize: 3 },
      'model.layers.2.attention.query_key_value.weight',
      /\[192, 64\], expected \[128, 64\].*layer_group_size 3/,
    ],
    ['ring-tiny-linear-c', { layerGroupSize: 4 }, 'model.layers.1.attention.g_norm.weight', /missing.*layer_group_size 4/],
    ['ring-tiny-linear', { useLowRank: true }, 'model.layers.0.attention.g_proj.0.weight', /missing.*use_low_rank true/],
    ['ring-tiny-linear-b', { useLowRank: false }, 'model.layers.0.attention.g_proj.weight', /missing.*use_low_rank false/],
    ['ring-tiny-linear-b', { useQkvBias: false }, 'model.layers.2.attention.query_key_value.bias', /against.*use_qkv_bias false/],
    ['ring-tiny-switches', { tieWordEmbeddings: false }, 'lm_head.weight', /missing.*tie_word_embeddings false/],
  ];

  it.each(changes)('%s with %j', (golden, change, tensor, message) =>
    withGolden(golden, (config, checkpoint) => {
      let error: unknown;
      try {
        validateCheckpoint({ ...config, ...change }, checkpoint);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(CheckpointMismatchError);
      expect((error as RingmeshError).field).toBe(tensor);
      expect((error as RingmeshError).message).toMatch(message);
    }),
  );
});

describe('tensors that the config does not call for', () => {
  let dir: string;
  let golden: Checkpoint;
  let config: ModelConfig;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ringmesh-validate-'));
    golden = await Checkpoint.open(join(goldens, 'ring-tiny-switches'));
    config = await readModelConfig(join(goldens, 'ring-tiny-switches'));
  });
  afterAll(async () => {
    await golden.close();
    await rm(dir, { recursive: true });
  });

  /** The golden's tensors, by shape only, and one more. */
  async function withExtra(name: string): Promise<Checkpoint> {
    let end = 0;
    const entry = (shape: readonly number[]): object => {
      const begin = end;
      end += 2 * shape.reduce((product, size) => product * size, 1);
      return { dtype: 'BF16', shape, data_offsets: [begin, end] };
    };
    const tensors = golden.names().map((tensor) => [tensor, entry(golden.info(tensor).shape)] as const);
    const header = Buffer.from(JSON.stringify(Object.fromEntries([...tensors, [name, entry([8])]])));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    await writeFile(join(dir, 'model.safetensors'), Buffer.concat([length, header, Buffer.alloc(end)]));
    return Checkpoint.open(dir);
  }

  it.each([
    ['model.layers.1.mlp.experts.6.gate_proj.weight', /num_experts 6/],
    ['model.layers.1.mlp.experts.0.gate_proj.bias', /no such tensor/],
    ['model.layers.1.mlp.gate.expert_bias', /no such tensor/],
    ['model.layers.1.attention.query_layernorm.weight', /no such tensor/],
    ['lm_head.bias', /no such tensor/],
  ])('%s is an error', async (name, message) => {
    const checkpoint = await withExtra(name);
    expect(() => validateCheckpoint(config, checkpoint)).toThrow(CheckpointMismatchError);
    expect(() => validateCheckpoint(config, checkpoint)).toThrow(message);
    await checkpoint.close();
  });

  it.each(['model.layers.0.attention.rotary_emb.inv_freq', 'lm_head.weight'])('%s carries nothing and is ignored', async (name) => {
    const checkpoint = await withExtra(name);
    expect(() => validateCheckpoint(config, checkpoint)).not.toThrow();
    await checkpoint.close();
  });
});
