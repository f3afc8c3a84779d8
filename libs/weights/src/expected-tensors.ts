import type { ModelConfig } from './model-config.js';
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

function addAttention(expected: Map<string, ExpectedTensor>, config: ModelConfig, layer: number, hidden: Axis): void {
  const { numAttentionHeads, numKeyValueHeads, headDim } = config;
  const names = tensorNames.layer(layer);
  const queryKeyValue: Axis = {
    size: (numAttentionHeads + 2 * numKeyValueHeads) * headDim,
    from: ['numAttentionHeads', 'numKeyValueHeads', 'headDim'],
  };
  const query: Axis = { size: numAttentionHeads * headDim, from: ['numAttentionHeads', 'headDim'] };
  expected.set(names.inputLayernorm, { axes: [hidden], because: 'numLayers' });
  expected.set(names.queryKeyValue, { axes: [queryKeyValue, hidden], because: 'numLayers' });
  if (config.useQkvBias) expected.set(names.queryKeyValueBias, { axes: [queryKeyValue], because: 'useQkvBias' });
  expected.set(names.attentionDense, { axes: [hidden, query], because: 'numLayers' });
  if (config.useBias) expected.set(names.attentionDenseBias, { axes: [hidden], because: 'useBias' });
  expected.set(names.postAttentionLayernorm, { axes: [hidden], because: 'numLayers' });
}

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
