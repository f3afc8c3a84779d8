import { basename } from 'node:path';
import { ConfigInvalidError, readJsonFile } from '@ringmesh/core';
import { type ModelConfig, parseModelConfig } from '@ringmesh/weights';

const MAX_SHAPE_BYTES = 2 ** 20;

const COMMON = {
  model_type: 'bailing_moe',
  vocab_size: 126_464,
  eos_token_id: 126_081,
  pad_token_id: 126_081,
  num_experts: 64,
  first_k_dense_replace: 0,
  norm_topk_prob: true,
  norm_head: true,
  tie_word_embeddings: false,
  use_bias: false,
  use_qkv_bias: false,
  rms_norm_eps: 1e-6,
  rope_theta: 600_000,
};

const RING_LITE = {
  ...COMMON,
  hidden_size: 2048,
  num_hidden_layers: 28,
  num_attention_heads: 16,
  num_key_value_heads: 4,
  head_dim: 128,
  num_experts_per_tok: 6,
  num_shared_experts: 2,
  moe_intermediate_size: 1408,
  max_position_embeddings: 131_072,
};

/** The authors' config.json of models whose size matters, as far as it is known. */
const PRESETS: Readonly<Record<string, object>> = {
  'ring-lite': RING_LITE,
  // Of Ring-lite-linear-preview only the sizes are known; its parameters (17.1 B) fit three linear layers in four, and a full g_proj.
  'ring-lite-linear': {
    ...RING_LITE,
    model_type: 'bailing_moe_linear',
    layer_group_size: 4,
    use_linear_silu: true,
    linear_rope: true,
    use_linear_gqa: false,
    use_low_rank: false,
    max_position_embeddings: 65_536,
  },
  'ling-plus': {
    ...COMMON,
    hidden_size: 5376,
    num_hidden_layers: 88,
    num_attention_heads: 56,
    num_key_value_heads: 8,
    head_dim: 96,
    num_experts_per_tok: 4,
    num_shared_experts: 1,
    moe_intermediate_size: 3072,
    max_position_embeddings: 65_536,
  },
};

/** A model without weights. */
export interface ModelShape {
  name: string;
  config: ModelConfig;
}

/**
 * @param shape `ring-lite`, `ring-lite-linear`, `ling-plus`, or the path of a config.json
 * @param numLayers instead of the shape's own, for something smaller of the same widths
 * @throws ConfigInvalidError, ConfigUnsupportedError
 */
export async function readShape(shape: string, numLayers?: number): Promise<ModelShape> {
  const errors = { Missing: ConfigInvalidError, Invalid: ConfigInvalidError };
  const preset = PRESETS[shape];
  const json = preset ?? (await readJsonFile(shape, MAX_SHAPE_BYTES, errors));
  const changed = numLayers === undefined ? json : { ...(json as object), num_hidden_layers: numLayers };
  const name = preset === undefined ? basename(shape, '.json') : shape;
  return { name: `synthetic-${name}${numLayers === undefined ? '' : `-${numLayers}-layers`}`, config: parseModelConfig(changed) };
}
