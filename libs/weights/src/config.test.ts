import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointMissingError, ConfigInvalidError, ConfigUnsupportedError, RingmeshError } from '@ringmesh/core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { attentionHeads, attentionKind } from './architectures.js';
import { parseModelConfig, readModelConfig } from './config.js';

const goldens = join(import.meta.dirname, '../../../test/fixtures/goldens');

function errorOf(run: () => unknown): RingmeshError {
  try {
    run();
  } catch (error) {
    if (error instanceof RingmeshError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('readModelConfig on the goldens', () => {
  it('reads ring-tiny', async () => {
    expect(await readModelConfig(join(goldens, 'ring-tiny'))).toEqual({
      modelType: 'bailing_moe',
      hiddenSize: 64,
      numLayers: 4,
      numAttentionHeads: 4,
      numKeyValueHeads: 2,
      headDim: 16,
      vocabSize: 512,
      numExperts: 8,
      numExpertsPerToken: 3,
      numSharedExperts: 2,
      moeIntermediateSize: 32,
      intermediateSize: 0,
      firstKDenseReplace: 0,
      normTopkProb: true,
      normHead: false,
      tieWordEmbeddings: false,
      useQkvBias: false,
      useBias: false,
      rmsNormEps: 1e-6,
      ropeTheta: 600000,
      ropeScaling: null,
      maxPositionEmbeddings: 1024,
      bosTokenId: 494,
      eosTokenIds: [495],
      padTokenId: 495,
    });
  });

  it('reads dense layers and biases of ring-tiny-distill', async () => {
    expect(await readModelConfig(join(goldens, 'ring-tiny-distill'))).toMatchObject({
      firstKDenseReplace: 1,
      intermediateSize: 112,
      useBias: true,
      useQkvBias: true,
      normHead: true,
      normTopkProb: false,
    });
  });

  it('reads nulls, tied embeddings and linear scaling of ring-tiny-switches', async () => {
    expect(await readModelConfig(join(goldens, 'ring-tiny-switches'))).toMatchObject({
      headDim: 16,
      numSharedExperts: 0,
      intermediateSize: 0,
      tieWordEmbeddings: true,
      ropeScaling: { type: 'linear', factor: 2 },
    });
  });

  it("gives YaRN the authors' defaults", async () => {
    const { ropeScaling } = await readModelConfig(join(goldens, 'ring-tiny-yarn'));
    expect(ropeScaling).toEqual({
      type: 'yarn',
      factor: 4,
      originalMaxPositionEmbeddings: 64,
      betaFast: 32,
      betaSlow: 1,
      mscale: 1,
      mscaleAllDim: 0,
    });
  });
});

describe('parseModelConfig', () => {
  let base: Record<string, unknown>;
  beforeAll(async () => {
    base = JSON.parse(await readFile(join(goldens, 'ring-tiny', 'config.json'), 'utf8')) as Record<string, unknown>;
  });
  const without = (key: string): Record<string, unknown> => Object.fromEntries(Object.entries(base).filter(([name]) => name !== key));

  it('takes what a checkpoint may leave out or spell otherwise', () => {
    const yarn = {
      rope_type: 'yarn',
      factor: 4,
      original_max_position_embeddings: 64,
      beta_fast: 24,
      beta_slow: 2,
      mscale: 0.8,
      mscale_all_dim: 0.4,
    };
    expect(parseModelConfig({ ...base, rope_scaling: yarn }).ropeScaling).toMatchObject({
      betaFast: 24,
      betaSlow: 2,
      mscale: 0.8,
      mscaleAllDim: 0.4,
    });
    expect(parseModelConfig({ ...base, rope_scaling: { rope_type: 'default' } }).ropeScaling).toBeNull();
    expect(parseModelConfig({ ...base, eos_token_id: [1, 2] }).eosTokenIds).toEqual([1, 2]);
    expect(parseModelConfig({ ...without('head_dim'), hidden_size: 96 }).headDim).toBe(24);
    expect(parseModelConfig(without('bos_token_id')).bosTokenId).toBeNull();
    expect(parseModelConfig({ ...base, a_field_of_tomorrow: {} }).hiddenSize).toBe(64);
  });

  it.each([
    ['model_type', 'bailing_moe_v2', /not supported yet/],
    ['model_type', 'llama', /must be "bailing_moe" \(Ring-lite.*\) or "bailing_moe_linear"/],
    ['layer_group_size', 4, /1 or absent/],
    ['architectures', ['BailingMoeV2ForCausalLM'], /BailingMoeForCausalLM/],
    ['architectures', ['BailingMoeLinearForCausalLM'], /BailingMoeForCausalLM.*model_type "bailing_moe"/],
    ['hidden_act', 'gelu', /"silu"/],
    ['norm_softmax', true, /false/],
    ['use_sliding_window', true, /false/],
    ['use_qk_norm', true, /false/],
    ['score_function', 'sigmoid', /"softmax"/],
    ['n_group', 8, /0 or 1/],
    ['routed_scaling_factor', 2.5, /1/],
    ['partial_rotary_factor', 0.5, /1/],
    ['quantization_config', { quant_method: 'fp8' }, /unquantized/],
    ['rope_parameters', { rope_theta: 1 }, /rope_theta and rope_scaling/],
  ])('does not support %s = %j', (field, value, message) => {
    const error = errorOf(() => parseModelConfig({ ...base, [field]: value }));
    expect(error).toBeInstanceOf(ConfigUnsupportedError);
    expect(error.field).toBe(`config.json: ${field}`);
    expect(error.message).toMatch(message);
  });

  it('does not support other kinds of rope scaling', () => {
    const error = errorOf(() => parseModelConfig({ ...base, rope_scaling: { type: 'dynamic', factor: 2 } }));
    expect(error).toBeInstanceOf(ConfigUnsupportedError);
    expect(error.message).toBe(
      'config.json: rope_scaling.type is "dynamic"; it must be "linear" or "yarn" (Ringmesh computes no other kind)',
    );
  });

  it.each([
    ['hidden_size', 0, /integer from 1 to/],
    ['hidden_size', '64', /is "64"; it must be an integer/],
    ['hidden_size', 1e12, /integer from 1 to/],
    ['num_hidden_layers', 2.5, /integer/],
    ['num_key_value_heads', 3, /must divide num_attention_heads \(4\)/],
    ['num_experts_per_tok', 9, /at most num_experts \(8\)/],
    ['num_experts', null, /is null; it must be an integer/],
    ['first_k_dense_replace', 4, /below num_hidden_layers \(4\)/],
    ['head_dim', 12, /a multiple of 8/],
    ['rms_norm_eps', -1, /number from 0/],
    ['rope_theta', 'high', /number/],
    ['use_bias', 0, /true or false/],
    ['eos_token_id', 512, /from 0 to 511/],
    ['eos_token_id', [], /at least one token/],
    ['eos_token_id', [1, 'x'], /from 0 to 511/],
    ['pad_token_id', 512, /from 0 to 511/],
    ['bos_token_id', -1, /from 0 to 511/],
    ['rope_scaling', 'yarn', /an object/],
  ])('rejects %s = %j', (field, value, message) => {
    const error = errorOf(() => parseModelConfig({ ...base, [field]: value }));
    expect(error).toBeInstanceOf(ConfigInvalidError);
    expect(error.field).toBe(`config.json: ${field}`);
    expect(error.message).toMatch(message);
  });

  it.each([
    ['rope_scaling.factor', { type: 'linear' }],
    ['rope_scaling.factor', { type: 'linear', factor: 0.5 }],
    ['rope_scaling.original_max_position_embeddings', { type: 'yarn', factor: 4 }],
    ['rope_scaling.beta_fast', { type: 'yarn', factor: 4, original_max_position_embeddings: 64, beta_fast: 1 }],
    ['rope_scaling.beta_slow', { type: 'yarn', factor: 4, original_max_position_embeddings: 64, beta_slow: 0 }],
    ['rope_scaling.rope_type', { type: 'yarn', rope_type: 'linear', factor: 4 }],
    ['rope_scaling.rope_type', { factor: 4 }],
  ])('rejects a rope_scaling whose %s is wrong', (field, scaling) => {
    const error = errorOf(() => parseModelConfig({ ...base, rope_scaling: scaling }));
    expect(error).toBeInstanceOf(ConfigInvalidError);
    expect(error.field).toBe(`config.json: ${field}`);
  });

  it.each(['hidden_size', 'num_experts', 'vocab_size', 'rope_theta', 'eos_token_id', 'moe_intermediate_size'])(
    'rejects a missing %s',
    (field) => {
      const error = errorOf(() => parseModelConfig(without(field)));
      expect(error).toBeInstanceOf(ConfigInvalidError);
      expect(error.message).toMatch(new RegExp(`^config.json: ${field} is missing; it must be`));
    },
  );

  it('needs an intermediate_size for dense layers, and a head_dim where hidden does not divide', () => {
    expect(errorOf(() => parseModelConfig({ ...base, first_k_dense_replace: 1, intermediate_size: null })).field).toBe(
      'config.json: intermediate_size',
    );
    expect(errorOf(() => parseModelConfig({ ...base, head_dim: null, hidden_size: 66 })).field).toBe('config.json: head_dim');
  });

  it.each([[null], [[]], ['text'], [3]])('rejects %j in place of an object', (json) => {
    expect(errorOf(() => parseModelConfig(json))).toBeInstanceOf(ConfigInvalidError);
  });
});

describe('parseModelConfig of bailing_moe_linear', () => {
  let base: Record<string, unknown>;
  beforeAll(async () => {
    base = JSON.parse(await readFile(join(goldens, 'ring-tiny-linear', 'config.json'), 'utf8')) as Record<string, unknown>;
  });

  it.each([
    ['ring-tiny-linear', { layerGroupSize: 4, useLinearSilu: true, linearRope: true, useLinearGqa: false, useLowRank: false }, [3, 7]],
    ['ring-tiny-linear-b', { layerGroupSize: 3, useLinearSilu: false, linearRope: true, useLinearGqa: true, useLowRank: true }, [2, 5, 6]],
    ['ring-tiny-linear-c', { layerGroupSize: 2, useLinearSilu: true, linearRope: false, useLinearGqa: true, useLowRank: false }, [1, 3, 4]],
  ])('reads %s', async (name, fields, softmaxLayers) => {
    const config = await readModelConfig(join(goldens, name));
    expect(config).toMatchObject({ modelType: 'bailing_moe_linear', ...fields });
    const layers = Array.from({ length: config.numLayers }, (_, layer) => layer);
    expect(layers.filter((layer) => attentionKind(config, layer) === 'softmax')).toEqual(softmaxLayers);
  });

  it('has as many KV heads in linear layers as use_linear_gqa says', () => {
    expect(attentionHeads(parseModelConfig(base), 'linear')).toEqual({ numAttentionHeads: 4, numKeyValueHeads: 4 });
    expect(attentionHeads(parseModelConfig({ ...base, use_linear_gqa: true }), 'linear').numKeyValueHeads).toBe(2);
    expect(attentionHeads(parseModelConfig(base), 'softmax').numKeyValueHeads).toBe(2);
  });

  it.each([
    ['layer_group_size', 1, /from 2 to/],
    ['layer_group_size', 9, /at most num_hidden_layers \(8\), or no layer has linear attention/],
    ['layer_group_size', null, /is null/],
    ['use_linear_silu', null, /true or false/],
    ['linear_rope', 1, /true or false/],
    ['use_low_rank', 'no', /true or false/],
  ])('rejects %s = %j', (field, value, message) => {
    const error = errorOf(() => parseModelConfig({ ...base, [field]: value }));
    expect(error).toBeInstanceOf(ConfigInvalidError);
    expect(error.field).toBe(`config.json: ${field}`);
    expect(error.message).toMatch(message);
  });

  it.each([
    ['architectures', ['BailingMoeForCausalLM'], /BailingMoeLinearForCausalLM.*model_type "bailing_moe_linear"/],
    ['rotary_type', '2d', /"full-1d" or absent/],
    ['group_norm_size', 4, /1 or absent/],
    ['linear_silu', true, /false or absent/],
  ])('does not support %s = %j', (field, value, message) => {
    const error = errorOf(() => parseModelConfig({ ...base, [field]: value }));
    expect(error).toBeInstanceOf(ConfigUnsupportedError);
    expect(error.message).toMatch(message);
  });
});

describe('readModelConfig on bad files', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ringmesh-config-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('says that the file is missing', async () => {
    await expect(readModelConfig(join(dir, 'nowhere'))).rejects.toThrow(CheckpointMissingError);
    await expect(readModelConfig(dir)).rejects.toThrow(/config\.json cannot be read/);
  });

  it('rejects what is not JSON, not UTF-8 or too large', async () => {
    const path = join(dir, 'config.json');
    await writeFile(path, '{"hidden_size": NaN}');
    await expect(readModelConfig(dir)).rejects.toThrow(/not valid JSON/);
    await writeFile(path, Buffer.from([0x22, 0xff, 0x22]));
    await expect(readModelConfig(dir)).rejects.toThrow(/not valid JSON/);
    await writeFile(path, ' '.repeat(1024 * 1024 + 1));
    await expect(readModelConfig(dir)).rejects.toThrow(/at most 1048576/);
  });
});
