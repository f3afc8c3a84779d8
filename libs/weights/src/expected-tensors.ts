import { attentionHeads, attentionKind, type AttentionKind } from './architectures.js';
import type { ModelConfig, ModelType } from './model-config.js';
import { tensorNames } from './tensor-names.js';

/** One axis of a tensor: its size and the config fields that it follows from. */
export interface Axis {
  size: number;
  from: readonly (keyof ModelConfig)[];
}

/** A tensor that the config calls for. */
export interface ExpectedTensor {
  axes: readonly Axis[];
  /** The config field by which the tensor is there at all. */
  because: keyof ModelConfig;
}

/** All tensors that a checkpoint of this config has, by their Hugging Face names. Matrices are [out, in]. */
export function expectedTensors(config: ModelConfig): Map<string, ExpectedTensor> {
  const hidden: Axis = { size: config.hiddenSize, from: ['hiddenSize'] };
  const vocab: Axis = { size: config.vocabSize, from: ['vocabSize'] };
  const expected = new Map<string, ExpectedTensor>();
  expected.set(tensorNames.wordEmbeddings, { axes: [vocab, hidden], because: 'vocabSize' });
  for (let layer = 0; layer < config.numLayers; layer++) {
    addAttention(expected, config, layer, hidden);
    if (layer < config.firstKDenseReplace) addDenseMlp(expected, config, layer, hidden);
    else addExperts(expected, config, layer, hidden);
  }
  expected.set(tensorNames.norm, { axes: [hidden], because: 'numLayers' });
  if (!config.tieWordEmbeddings) expected.set(tensorNames.lmHead, { axes: [vocab, hidden], because: 'tieWordEmbeddings' });
  return expected;
}

/** What else decides about the heads of a layer. */
const QUERY_KEY_VALUE_FIELDS = { bailing_moe: [], bailing_moe_linear: ['layerGroupSize', 'useLinearGqa'] } as const satisfies Record<
  ModelType,
  readonly (keyof ModelConfig)[]
>;

function addAttention(expected: Map<string, ExpectedTensor>, config: ModelConfig, layer: number, hidden: Axis): void {
  const kind = attentionKind(config, layer);
  const { numAttentionHeads, numKeyValueHeads } = attentionHeads(config, kind);
  const { headDim } = config;
  const names = tensorNames.layer(layer);
  const queryKeyValue: Axis = {
    size: (numAttentionHeads + 2 * numKeyValueHeads) * headDim,
    from: ['numAttentionHeads', 'numKeyValueHeads', 'headDim', ...QUERY_KEY_VALUE_FIELDS[config.modelType]],
  };
  const query: Axis = { size: numAttentionHeads * headDim, from: ['numAttentionHeads', 'headDim'] };
  expected.set(names.inputLayernorm, { axes: [hidden], because: 'numLayers' });
  expected.set(names.queryKeyValue, { axes: [queryKeyValue, hidden], because: 'numLayers' });
  expected.set(names.attentionDense, { axes: [hidden, query], because: 'numLayers' });
  MORE_TENSORS[kind](expected, config, layer, { hidden, query, queryKeyValue });
  expected.set(names.postAttentionLayernorm, { axes: [hidden], because: 'numLayers' });
}

type AttentionAxes = Record<'hidden' | 'query' | 'queryKeyValue', Axis>;

/** What a kind of attention has besides query_key_value and dense. */
const MORE_TENSORS: Readonly<
  Record<AttentionKind, (expected: Map<string, ExpectedTensor>, config: ModelConfig, layer: number, axes: AttentionAxes) => void>
> = {
  softmax(expected, config, layer, { hidden, queryKeyValue }) {
    const names = tensorNames.layer(layer);
    if (config.useQkvBias) expected.set(names.queryKeyValueBias, { axes: [queryKeyValue], because: 'useQkvBias' });
    if (config.useBias) expected.set(names.attentionDenseBias, { axes: [hidden], because: 'useBias' });
  },
  linear(expected, config, layer, { hidden, query }) {
    const names = tensorNames.layer(layer);
    expected.set(names.gNorm, { axes: [query], because: 'layerGroupSize' });
    if (config.useLowRank !== true) {
      expected.set(names.gProj, { axes: [query, hidden], because: 'useLowRank' });
      return;
    }
    const rank: Axis = { size: config.headDim, from: ['headDim'] };
    expected.set(names.gProjDown, { axes: [rank, hidden], because: 'useLowRank' });
    expected.set(names.gProjUp, { axes: [query, rank], because: 'useLowRank' });
  },
};

function addDenseMlp(expected: Map<string, ExpectedTensor>, config: ModelConfig, layer: number, hidden: Axis): void {
  const width: Axis = { size: config.intermediateSize, from: ['intermediateSize'] };
  addSwiglu(expected, tensorNames.layer(layer).mlp, width, hidden, 'firstKDenseReplace');
}

function addExperts(expected: Map<string, ExpectedTensor>, config: ModelConfig, layer: number, hidden: Axis): void {
  const { numExperts, numSharedExperts, moeIntermediateSize } = config;
  const names = tensorNames.layer(layer);
  expected.set(names.gate, { axes: [{ size: numExperts, from: ['numExperts'] }, hidden], because: 'firstKDenseReplace' });
  const width: Axis = { size: moeIntermediateSize, from: ['moeIntermediateSize'] };
  for (let expert = 0; expert < numExperts; expert++) addSwiglu(expected, names.expert(expert), width, hidden, 'numExperts');
  if (numSharedExperts > 0) {
    const sharedWidth: Axis = { size: moeIntermediateSize * numSharedExperts, from: ['moeIntermediateSize', 'numSharedExperts'] };
    addSwiglu(expected, names.sharedExperts, sharedWidth, hidden, 'numSharedExperts');
  }
}

function addSwiglu(
  expected: Map<string, ExpectedTensor>,
  prefix: string,
  width: Axis,
  hidden: Axis,
  because: ExpectedTensor['because'],
): void {
  const { gate, up, down } = tensorNames.swiglu(prefix);
  expected.set(gate, { axes: [width, hidden], because });
  expected.set(up, { axes: [width, hidden], because });
  expected.set(down, { axes: [hidden, width], because });
}
