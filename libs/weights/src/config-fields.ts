import type { JsonFields } from '@ringmesh/core';
import { MODEL_TYPES } from './architectures.js';
import type { LinearAttentionConfig, ModelConfig } from './model-config.js';
import { readRopeScaling } from './rope-scaling.js';
import { readTokenIds } from './token-ids.js';

/**
 * Reads a {@link ModelConfig} under our field names, which the source of `fields` may translate: config.json and manifest.json share these
 * checks. Fields that a checkpoint may leave out get the defaults of the authors' configuration class. Limits are far above any known
 * model; they keep a broken file from asking for absurd memory.
 */
export function readConfigFields(fields: JsonFields): ModelConfig {
  const flag = (key: keyof ModelConfig, fallback: boolean): boolean => fields.optional(key, () => fields.boolean(key)) ?? fallback;
  const integerOr = (key: keyof ModelConfig, max: number, fallback: number): number =>
    fields.optional(key, () => fields.integer(key, 0, max)) ?? fallback;

  const modelType = fields.oneOf('modelType', MODEL_TYPES);
  const hiddenSize = fields.integer('hiddenSize', 1, 2 ** 16);
  const numAttentionHeads = fields.integer('numAttentionHeads', 1, 1024);
  const vocabSize = fields.integer('vocabSize', 1, 2 ** 24);
  const tokenId = (key: keyof ModelConfig): number | null => fields.optional(key, () => fields.integer(key, 0, vocabSize - 1)) ?? null;

  const config: ModelConfig = {
    modelType,
    hiddenSize,
    numLayers: fields.integer('numLayers', 1, 1024),
    numAttentionHeads,
    numKeyValueHeads: fields.integer('numKeyValueHeads', 1, 1024),
    headDim: readHeadDim(fields, hiddenSize, numAttentionHeads),
    vocabSize,
    numExperts: fields.integer('numExperts', 1, 4096),
    numExpertsPerToken: fields.integer('numExpertsPerToken', 1, 4096),
    numSharedExperts: integerOr('numSharedExperts', 1024, 0),
    moeIntermediateSize: fields.integer('moeIntermediateSize', 1, 2 ** 20),
    intermediateSize: 0,
    firstKDenseReplace: integerOr('firstKDenseReplace', 1024, 0),
    normTopkProb: flag('normTopkProb', true),
    normHead: flag('normHead', false),
    tieWordEmbeddings: flag('tieWordEmbeddings', false),
    useQkvBias: flag('useQkvBias', false),
    useBias: flag('useBias', true),
    rmsNormEps: fields.number('rmsNormEps', 0, 1),
    ropeTheta: fields.number('ropeTheta', 1, 1e12),
    ropeScaling: readRopeScaling(fields),
    maxPositionEmbeddings: fields.integer('maxPositionEmbeddings', 1, 2 ** 24),
    bosTokenId: tokenId('bosTokenId'),
    eosTokenIds: readTokenIds(fields, 'eosTokenIds', vocabSize - 1),
    padTokenId: tokenId('padTokenId'),
    ...(modelType === 'bailing_moe_linear' ? readLinearAttention(fields) : {}),
  };
  checkConsistency(fields, config);
  // Many checkpoints name an intermediate_size that no layer uses; keeping it would suggest a dense MLP.
  return config.firstKDenseReplace === 0 ? config : { ...config, intermediateSize: fields.integer('intermediateSize', 1, 2 ** 20) };
}

/**
 * No tensor of a checkpoint tells whether `use_linear_silu` and `linear_rope` are set, so a file that leaves them out is not guessed at. The
 * other two show in the shapes.
 */
function readLinearAttention(fields: JsonFields): LinearAttentionConfig {
  return {
    layerGroupSize: fields.integer('layerGroupSize', 2, 1024),
    useLinearSilu: fields.boolean('useLinearSilu'),
    linearRope: fields.boolean('linearRope'),
    useLinearGqa: fields.optional('useLinearGqa', (key) => fields.boolean(key)) ?? false,
    useLowRank: fields.optional('useLowRank', (key) => fields.boolean(key)) ?? false,
  };
}

function readHeadDim(fields: JsonFields, hiddenSize: number, numAttentionHeads: number): number {
  if (!fields.has('headDim') && hiddenSize % numAttentionHeads !== 0) {
    fields.fail('headDim', `must be set, for ${fields.path('hiddenSize')} ${hiddenSize} does not divide into ${numAttentionHeads} heads`);
  }
  const headDim = fields.optional('headDim', (key) => fields.integer(key, 1, 4096)) ?? hiddenSize / numAttentionHeads;
  if (headDim % 8 !== 0)
    fields.fail('headDim', `must be a multiple of 8: attention kernels take eight numbers at a time (${headDim} wide)`);
  return headDim;
}

function checkConsistency(fields: JsonFields, config: ModelConfig): void {
  const { numAttentionHeads, numKeyValueHeads, numExperts, numExpertsPerToken, numLayers, firstKDenseReplace, layerGroupSize } = config;
  if (numAttentionHeads % numKeyValueHeads !== 0) {
    fields.fail('numKeyValueHeads', `must divide ${fields.path('numAttentionHeads')} (${numAttentionHeads})`);
  }
  if (numExpertsPerToken > numExperts) {
    fields.fail('numExpertsPerToken', `must be at most ${fields.path('numExperts')} (${numExperts})`);
  }
  if (firstKDenseReplace >= numLayers) {
    fields.fail('firstKDenseReplace', `must be below ${fields.path('numLayers')} (${numLayers}), or no layer has experts`);
  }
  if (layerGroupSize !== undefined && layerGroupSize > numLayers) {
    fields.fail('layerGroupSize', `must be at most ${fields.path('numLayers')} (${numLayers}), or no layer has linear attention`);
  }
}
