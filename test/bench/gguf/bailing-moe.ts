import type { ModelConfig } from '@ringmesh/weights';
import type { GgufTensor, GgufValue } from './gguf-file.ts';
import { onesF32, randomF32, randomQ40 } from './random-data.ts';

/** Token types of llama.cpp's vocabulary. */
const NORMAL = 1;
const CONTROL = 3;

/**
 * A model's hyperparameters under llama.cpp's names for its architecture `bailingmoe` (src/models/bailingmoe.cpp, src/llama-arch.cpp).
 * @param tokens the text of each token
 */
export function bailingMoeMetadata(config: ModelConfig, tokens: string[]): Map<string, GgufValue> {
  if (config.firstKDenseReplace > 0 || config.numSharedExperts === 0 || config.useQkvBias || config.useBias || config.tieWordEmbeddings) {
    throw new Error('llama.cpp has bailingmoe only with experts in all layers, shared experts, no biases and a head of its own');
  }
  const u32 = (value: number): GgufValue => ({ type: 'u32', value });
  const f32 = (value: number): GgufValue => ({ type: 'f32', value });
  const [end] = config.eosTokenIds as [number];
  return new Map<string, GgufValue>([
    ['general.architecture', { type: 'string', value: 'bailingmoe' }],
    ['general.quantization_version', u32(2)],
    ['general.file_type', u32(2)], // mostly Q4_0
    ['bailingmoe.block_count', u32(config.numLayers)],
    ['bailingmoe.context_length', u32(config.maxPositionEmbeddings)],
    ['bailingmoe.embedding_length', u32(config.hiddenSize)],
    ['bailingmoe.feed_forward_length', u32(config.moeIntermediateSize)],
    ['bailingmoe.attention.head_count', u32(config.numAttentionHeads)],
    ['bailingmoe.attention.head_count_kv', u32(config.numKeyValueHeads)],
    ['bailingmoe.attention.key_length', u32(config.headDim)],
    ['bailingmoe.attention.value_length', u32(config.headDim)],
    ['bailingmoe.attention.layer_norm_rms_epsilon', f32(config.rmsNormEps)],
    ['bailingmoe.rope.dimension_count', u32(config.headDim)],
    ['bailingmoe.rope.freq_base', f32(config.ropeTheta)],
    ['bailingmoe.leading_dense_block_count', u32(0)],
    ['bailingmoe.expert_count', u32(config.numExperts)],
    ['bailingmoe.expert_used_count', u32(config.numExpertsPerToken)],
    ['bailingmoe.expert_shared_count', u32(config.numSharedExperts)],
    ['bailingmoe.expert_feed_forward_length', u32(config.moeIntermediateSize)],
    ['bailingmoe.expert_weights_scale', f32(1)],
    ['bailingmoe.expert_weights_norm', { type: 'bool', value: config.normTopkProb }],
    ['bailingmoe.vocab_size', u32(config.vocabSize)],
    ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
    ['tokenizer.ggml.pre', { type: 'string', value: 'bailingmoe' }],
    ['tokenizer.ggml.tokens', { type: 'strings', value: tokens }],
    ['tokenizer.ggml.token_type', { type: 'i32s', value: tokens.map((_, id) => (id === end ? CONTROL : NORMAL)) }],
    ['tokenizer.ggml.merges', { type: 'strings', value: ['h e'] }], // llama.cpp wants one at least; no text is encoded here
    ['tokenizer.ggml.eos_token_id', u32(end)],
  ]);
}

/** All tensors with random data: Q4_0 everywhere, but norms and gates float32. */
export function bailingMoeTensors(config: ModelConfig): GgufTensor[] {
  const { hiddenSize, vocabSize, numAttentionHeads, numKeyValueHeads, headDim, numExperts, moeIntermediateSize } = config;
  const queryWidth = numAttentionHeads * headDim;
  const keyWidth = numKeyValueHeads * headDim;
  const sharedWidth = moeIntermediateSize * config.numSharedExperts;
  const tensors = [matrix('token_embd', hiddenSize, vocabSize), norm('output_norm', hiddenSize), matrix('output', hiddenSize, vocabSize)];
  for (let layer = 0; layer < config.numLayers; layer++) {
    const name = (part: string): string => `blk.${layer}.${part}`;
    tensors.push(
      norm(name('attn_norm'), hiddenSize),
      matrix(name('attn_q'), hiddenSize, queryWidth),
      matrix(name('attn_k'), hiddenSize, keyWidth),
      matrix(name('attn_v'), hiddenSize, keyWidth),
      matrix(name('attn_output'), queryWidth, hiddenSize),
      norm(name('ffn_norm'), hiddenSize),
      gate(name('ffn_gate_inp'), hiddenSize, numExperts),
      matrix(name('ffn_gate_exps'), hiddenSize, moeIntermediateSize, numExperts),
      matrix(name('ffn_up_exps'), hiddenSize, moeIntermediateSize, numExperts),
      matrix(name('ffn_down_exps'), moeIntermediateSize, hiddenSize, numExperts),
      matrix(name('ffn_gate_shexp'), hiddenSize, sharedWidth),
      matrix(name('ffn_up_shexp'), hiddenSize, sharedWidth),
      matrix(name('ffn_down_shexp'), sharedWidth, hiddenSize),
    );
  }
  return tensors;
}

/** @param dims K, N, and the number of such matrices where there are several */
function matrix(name: string, ...dims: [columns: number, ...number[]]): GgufTensor {
  const numWeights = dims.reduce((product, size) => product * size, 1);
  return { name: `${name}.weight`, dims, type: 'q4_0', data: () => randomQ40(name, numWeights, dims[0]) };
}

function gate(name: string, columns: number, rows: number): GgufTensor {
  return { name: `${name}.weight`, dims: [columns, rows], type: 'f32', data: () => randomF32(name, columns * rows, columns) };
}

function norm(name: string, length: number): GgufTensor {
  return { name: `${name}.weight`, dims: [length], type: 'f32', data: () => onesF32(length) };
}
