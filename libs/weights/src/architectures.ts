import type { ModelConfig, ModelType } from './model-config.js';

/** How a layer mixes tokens: `softmax` attention over cached keys and values, or `linear` attention with a state of constant size. */
export type AttentionKind = 'softmax' | 'linear';

/** What the models of one `model_type` have in common. */
export interface Architecture {
  /** The name of their class in config.json's `architectures`. */
  className: string;
  /** Some of them, for errors. */
  examples: string;
  /**
   * Fields of config.json that change what must be computed, and the values under which it is what Ringmesh computes; besides those of
   * every architecture.
   */
  supportedValues: Readonly<Record<string, readonly unknown[]>>;
  attentionKind: (config: ModelConfig, layer: number) => AttentionKind;
}

export const ARCHITECTURES: Readonly<Record<ModelType, Architecture>> = {
  bailing_moe: {
    className: 'BailingMoeForCausalLM',
    examples: 'Ring-lite, Ling-lite, Ling-plus',
    supportedValues: { layer_group_size: [1] },
    attentionKind: () => 'softmax',
  },
  bailing_moe_linear: {
    className: 'BailingMoeLinearForCausalLM',
    examples: 'Ring-lite-linear-preview',
    // The last two are Ring-2.0's: a norm by groups of heads, and its name for use_linear_silu.
    supportedValues: { rotary_type: ['full-1d'], group_norm_size: [1], linear_silu: [false] },
    attentionKind: hybridKind,
  },
};

export const MODEL_TYPES = Object.keys(ARCHITECTURES) as ModelType[];

export function attentionKind(config: ModelConfig, layer: number): AttentionKind {
  return ARCHITECTURES[config.modelType].attentionKind(config, layer);
}

/** The last layer of each group has softmax attention, and so have the layers that are left over when there are no more whole groups. */
function hybridKind({ numLayers, layerGroupSize }: ModelConfig, layer: number): AttentionKind {
  const group = layerGroupSize!;
  return (layer + 1) % group === 0 || layer >= Math.floor(numLayers / group) * group ? 'softmax' : 'linear';
}

/** The heads of a kind of attention. Each KV head serves numAttentionHeads / numKeyValueHeads query heads. */
export type AttentionHeads = Pick<ModelConfig, 'numAttentionHeads' | 'numKeyValueHeads'>;

export function attentionHeads(config: ModelConfig, kind: AttentionKind): AttentionHeads {
  const { numAttentionHeads, numKeyValueHeads } = config;
  const shares = kind === 'softmax' || config.useLinearGqa === true;
  return { numAttentionHeads, numKeyValueHeads: shares ? numKeyValueHeads : numAttentionHeads };
}
