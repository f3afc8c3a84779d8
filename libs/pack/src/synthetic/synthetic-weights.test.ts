import { type Bits, dequantizeBlocks } from '@ringmesh/tensor';
import { expectedTensors, parseModelConfig, tensorNames } from '@ringmesh/weights';
import { describe, expect, it } from 'vitest';
import { SyntheticWeights } from './synthetic-weights.js';

const CONFIG = parseModelConfig({
  model_type: 'bailing_moe',
  hidden_size: 96,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 32,
  vocab_size: 300,
  num_experts: 4,
  num_experts_per_tok: 2,
  moe_intermediate_size: 128,
  use_qkv_bias: true,
  rms_norm_eps: 1e-6,
  rope_theta: 10_000,
  max_position_embeddings: 64,
  eos_token_id: 0,
});
const weights = new SyntheticWeights(CONFIG, 7);
const { down } = tensorNames.swiglu(tensorNames.layer(0).expert(1)); // [96, 128]
const { gate } = tensorNames.swiglu(tensorNames.layer(0).expert(1)); // [128, 96]

const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const variance = (values: Float32Array): number => mean(values.map((value) => value * value)) - mean(values) ** 2;

describe('SyntheticWeights', () => {
  it('gives the same rows however they are cut, and others for another seed or tensor', async () => {
    const matrix = weights.matrix(gate);
    const whole = await matrix.read(0, 128);
    const pieces = [await matrix.read(0, 5), await matrix.read(5, 100), await matrix.read(105, 23)];
    expect(Float32Array.from(pieces.flatMap((piece) => [...piece]))).toEqual(whole);
    expect(await new SyntheticWeights(CONFIG, 7).matrix(gate).read(0, 128)).toEqual(whole);
    expect(await new SyntheticWeights(CONFIG, 8).matrix(gate).read(0, 128)).not.toEqual(whole);
    expect(await weights.matrix(tensorNames.layer(0).queryKeyValue).read(0, 128)).not.toEqual(whole);
  });

  it('has every tensor in its shape', async () => {
    for (const [name, { axes }] of expectedTensors(CONFIG)) {
      const [rows, columns] = axes.map(({ size }) => size) as [number, number | undefined];
      if (columns === undefined) expect((await weights.vector(name)).length).toBe(rows);
      else expect((await weights.matrix(name).read(0, rows)).length).toBe(rows * columns);
    }
    const table = weights.table(tensorNames.wordEmbeddings);
    expect((await table.read(0, 300)).length).toBe(300 * table.bytesPerRow);
  });

  it('has matrices of mean 0 and variance 1/K, norms near 1 and biases near 0', async () => {
    const values = await weights.matrix(gate).read(0, 128);
    expect(mean(values)).toBeCloseTo(0, 2);
    expect(variance(values) * 96).toBeCloseTo(1, 1);
    expect(mean(await weights.vector(tensorNames.norm))).toBeCloseTo(1, 1);
    expect(mean(await weights.vector(tensorNames.layer(0).queryKeyValueBias))).toBeCloseTo(0, 1);
  });

  it.each<[Bits, number]>([
    [4, 32],
    [8, 128],
  ])('makes blocks of %i bits of the same mean and variance, however they are cut', (bits, blockSize) => {
    const readBlocks = weights.matrix(down).readBlocks!;
    const { quantized, scales } = readBlocks(0, 96, bits, blockSize)!;
    const [first, rest] = [readBlocks(0, 7, bits, blockSize)!, readBlocks(7, 89, bits, blockSize)!];
    expect(Uint8Array.of(...first.quantized, ...rest.quantized)).toEqual(quantized);
    expect(Float32Array.of(...first.scales, ...rest.scales)).toEqual(scales);
    const values = dequantizeBlocks({ quantized, scales }, 96, 128, bits, blockSize);
    expect(mean(values)).toBeCloseTo(0, 2);
    expect(variance(values) * 128).toBeCloseTo(1, 1);
  });

  it('makes no blocks that would need padding', () => {
    expect(weights.matrix(gate).readBlocks!(0, 1, 4, 64)).toBeNull();
  });
});
