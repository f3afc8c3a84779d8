import { ConfigUnsupportedError, type JsonFields } from '@ringmesh/core';
import { ARCHITECTURES, type Architecture, MODEL_TYPES } from './architectures.js';

const LATER_MODEL_TYPES = ['bailing_moe_v2'];

/**
 * Fields that change what must be computed, and the values under which it is what Ringmesh computes. Absent and null are always fine.
 * The Ring-2.0 family says `bailing_moe` in model_type and shows itself only by these.
 */
const SUPPORTED_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  hidden_act: ['silu'],
  norm_softmax: [false],
  use_sliding_window: [false],
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
  const { className, supportedValues } = readArchitecture(config);
  const architectures = config.value('architectures');
  if (Array.isArray(architectures) && !architectures.includes(className)) {
    const modelType = JSON.stringify(config.value('model_type'));
    config.fail('architectures', `must name "${className}", as model_type ${modelType} does`, ConfigUnsupportedError);
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
  for (const [key, supported] of Object.entries({ ...SUPPORTED_VALUES, ...supportedValues })) {
    if (config.has(key) && !supported.includes(config.value(key))) {
      const values = supported.map((value) => JSON.stringify(value)).join(' or ');
      config.fail(key, `must be ${values} or absent (Ringmesh computes nothing else)`, ConfigUnsupportedError);
    }
  }
}

function readArchitecture(config: JsonFields): Architecture {
  const modelType = config.string('model_type', 64);
  const known = MODEL_TYPES.find((type) => type === modelType);
  if (known !== undefined) return ARCHITECTURES[known];
  const choices = MODEL_TYPES.map((type) => `"${type}" (${ARCHITECTURES[type].examples})`).join(' or ');
  if (LATER_MODEL_TYPES.includes(modelType)) {
    config.fail('model_type', `is not supported yet; it must be ${choices}`, ConfigUnsupportedError);
  }
  return config.fail('model_type', `must be ${choices}`, ConfigUnsupportedError);
}
