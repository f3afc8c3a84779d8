import { join } from 'node:path';
import { CheckpointMissingError, ConfigInvalidError, JsonFields, readJsonFile } from '@ringmesh/core';
import { readConfigFields } from './config-fields.js';
import { checkSupported } from './config-support.js';
import type { ModelConfig } from './model-config.js';

const MAX_CONFIG_BYTES = 1024 * 1024;

/** Our names → config.json's. */
const CONFIG_JSON_NAMES = {
  modelType: 'model_type',
  hiddenSize: 'hidden_size',
  numLayers: 'num_hidden_layers',
  numAttentionHeads: 'num_attention_heads',
  numKeyValueHeads: 'num_key_value_heads',
  headDim: 'head_dim',
  vocabSize: 'vocab_size',
  numExperts: 'num_experts',
  numExpertsPerToken: 'num_experts_per_tok',
  numSharedExperts: 'num_shared_experts',
  moeIntermediateSize: 'moe_intermediate_size',
  intermediateSize: 'intermediate_size',
  firstKDenseReplace: 'first_k_dense_replace',
  normTopkProb: 'norm_topk_prob',
  normHead: 'norm_head',
  tieWordEmbeddings: 'tie_word_embeddings',
  useQkvBias: 'use_qkv_bias',
  useBias: 'use_bias',
  rmsNormEps: 'rms_norm_eps',
  ropeTheta: 'rope_theta',
  ropeScaling: 'rope_scaling',
  maxPositionEmbeddings: 'max_position_embeddings',
  bosTokenId: 'bos_token_id',
  eosTokenIds: 'eos_token_id',
  padTokenId: 'pad_token_id',
  layerGroupSize: 'layer_group_size',
  useLinearSilu: 'use_linear_silu',
  linearRope: 'linear_rope',
  useLinearGqa: 'use_linear_gqa',
  useLowRank: 'use_low_rank',
} as const satisfies Record<keyof ModelConfig, string>;

const ROPE_SCALING_NAMES = {
  originalMaxPositionEmbeddings: 'original_max_position_embeddings',
  betaFast: 'beta_fast',
  betaSlow: 'beta_slow',
  mscaleAllDim: 'mscale_all_dim',
};

/**
 * Validates a parsed config.json of an architecture that Ringmesh computes.
 * @throws ConfigUnsupportedError where it asks for what Ringmesh does not compute
 * @throws ConfigInvalidError where a field is missing, malformed or contradicts another
 */
export function parseModelConfig(json: unknown): ModelConfig {
  const fields = JsonFields.of(json, {
    file: 'config.json',
    ErrorClass: ConfigInvalidError,
    names: { ...CONFIG_JSON_NAMES, ...ROPE_SCALING_NAMES },
  });
  checkSupported(fields);
  return readConfigFields(fields);
}

/**
 * Reads `config.json` of a Hugging Face checkpoint folder. Errors as {@link parseModelConfig}.
 * @throws CheckpointMissingError where it is not there
 */
export async function readModelConfig(dir: string): Promise<ModelConfig> {
  const errors = { Missing: CheckpointMissingError, Invalid: ConfigInvalidError };
  return parseModelConfig(await readJsonFile(join(dir, 'config.json'), MAX_CONFIG_BYTES, errors));
}

/** The name a field of {@link ModelConfig} has in config.json. */
export function configJsonName(key: keyof ModelConfig): string {
  return CONFIG_JSON_NAMES[key];
}
