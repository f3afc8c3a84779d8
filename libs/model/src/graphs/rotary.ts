import type { ModelConfig } from '@ringmesh/weights';

/** cos and sin of every position and frequency, as the RotaryEmbedding operator wants them. */
export interface RotaryTables {
  /** M: positions */
  positions: number;
  /** D/2 */
  frequencies: number;
  cos: Float32Array; // [M, D/2]
  sin: Float32Array; // [M, D/2]
}

/**
 * RoPE (arXiv 2104.09864) over the full head, half rotation. Scaling `linear` divides positions by its factor; `yarn` (arXiv 2309.00071)
 * interpolates low frequencies only and multiplies both tables by mscale(factor, mscale) / mscale(factor, mscale_all_dim).
 */
export function rotaryTables(config: ModelConfig): RotaryTables {
  const { headDim, maxPositionEmbeddings, ropeScaling } = config;
  const frequencies = headDim / 2;
  const inverse = inverseFrequencies(config);
  const positionScale = ropeScaling?.type === 'linear' ? 1 / ropeScaling.factor : 1;
  const magnitude =
    ropeScaling?.type === 'yarn'
      ? mscale(ropeScaling.factor, ropeScaling.mscale) / mscale(ropeScaling.factor, ropeScaling.mscaleAllDim)
      : 1;
  const cos = new Float32Array(maxPositionEmbeddings * frequencies);
  const sin = new Float32Array(maxPositionEmbeddings * frequencies);
  for (let position = 0; position < maxPositionEmbeddings; position++) {
    for (let i = 0; i < frequencies; i++) {
      // The authors' code keeps positions, frequencies and angles in float32.
      const angle = Math.fround(Math.fround(position * positionScale) * inverse[i]!);
      cos[position * frequencies + i] = Math.cos(angle) * magnitude;
      sin[position * frequencies + i] = Math.sin(angle) * magnitude;
    }
  }
  return { positions: maxPositionEmbeddings, frequencies, cos, sin };
}

/** [D/2] radians a position. */
function inverseFrequencies({ headDim, ropeTheta, ropeScaling }: ModelConfig): Float32Array {
  const plain = Float32Array.from({ length: headDim / 2 }, (_, i) => ropeTheta ** ((-2 * i) / headDim));
  if (ropeScaling?.type !== 'yarn') return plain;
  const { factor, betaFast, betaSlow, originalMaxPositionEmbeddings } = ropeScaling;
  const dimensionOf = (rotations: number): number =>
    (headDim * Math.log(originalMaxPositionEmbeddings / (rotations * 2 * Math.PI))) / (2 * Math.log(ropeTheta));
  const low = Math.max(Math.floor(dimensionOf(betaFast)), 0);
  const high = Math.min(Math.ceil(dimensionOf(betaSlow)), headDim - 1);
  return plain.map((frequency, i) => {
    const interpolated = Math.min(Math.max((i - low) / (high === low ? 0.001 : high - low), 0), 1);
    return (frequency / factor) * interpolated + frequency * (1 - interpolated);
  });
}

function mscale(factor: number, scale: number): number {
  return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
}
