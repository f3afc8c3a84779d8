import { ConfigUnsupportedError, type JsonFields } from '@ringmesh/core';

const LATER_MODEL_TYPES = ['bailing_moe_linear', 'bailing_moe_v2'];

/**
 * Fields that change what must be computed, and the values under which it is what Ringmesh computes. Absent and null are always fine.
 * The Ring-2.0 family says `bailing_moe` in model_type and shows itself only by these.
 */
const SUPPORTED_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  hidden_act: ['silu'],
  norm_softmax: [false],
  use_sliding_window: [false],
  layer_group_size: [1],
  use_qk_norm: [false],
  partial_rotary_factor: [1],
  score_function: ['softmax'],
  n_group: [0, 1],
  moe_router_enable_expert_bias: [false],
  routed_scaling_factor: [1],
  multi_gate: [false],
  num_nextn_predict_layers: [0],
};

/** @throws ConfigUnsupportedError for what config.json asks for and Ringmesh does not compute */
export function checkSupported(config: JsonFields): void {
  const modelType = config.string('model_type', 64);
  if (LATER_MODEL_TYPES.includes(modelType)) {
    config.fail('model_type', 'is not supported yet; only "bailing_moe" (Ring-lite, Ling-lite, Ling-plus) is', ConfigUnsupportedError);
  }
  if (modelType !== 'bailing_moe') config.fail('model_type', 'must be "bailing_moe"', ConfigUnsupportedError);

  const architectures = config.value('architectures');
  if (Array.isArray(architectures) && !architectures.includes('BailingMoeForCausalLM')) {
    config.fail('architectures', 'must name "BailingMoeForCausalLM", the only architecture supported', ConfigUnsupportedError);
  }
  if (config.has('quantization_config')) {
    config.fail(
      'quantization_config',
      'must be absent: use the unquantized checkpoint, `ringmesh pack --quantize` does the rest',
      ConfigUnsupportedError,
    );
  }
  if (config.has('rope_parameters')) {
    config.fail('rope_parameters', 'must be absent: write rope_theta and rope_scaling instead', ConfigUnsupportedError);
  }
  for (const [key, supported] of Object.entries(SUPPORTED_VALUES)) {
    if (config.has(key) && !supported.includes(config.value(key))) {
      const values = supported.map((value) => JSON.stringify(value)).join(' or ');
      config.fail(key, `must be ${values} or absent (Ringmesh computes nothing else)`, ConfigUnsupportedError);
    }
  }
}
