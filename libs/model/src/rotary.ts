import type { ModelConfig } from '@ringmesh/weights';

/**
 * RoPE (arXiv 2104.09864) over the full head, half rotation. Scaling `linear` divides positions by its factor; `yarn` (arXiv 2309.00071)
 * interpolates low frequencies only and multiplies cos and sin by mscale(factor, mscale) / mscale(factor, mscale_all_dim).
 */
export class Rotary {
  private readonly inverse: Float32Array; // [D/2]
  private readonly positionScale: number;
  private readonly magnitude: number;
  private readonly halfDim: number;

  constructor(config: RotaryConfig) {
    const { headDim, ropeScaling } = config;
    this.halfDim = headDim / 2;
    this.inverse = inverseFrequencies(config);
    this.positionScale = ropeScaling?.type === 'linear' ? 1 / ropeScaling.factor : 1;
    this.magnitude =
      ropeScaling?.type === 'yarn'
        ? mscale(ropeScaling.factor, ropeScaling.mscale) / mscale(ropeScaling.factor, ropeScaling.mscaleAllDim)
        : 1;
  }

  /** cos and sin of some positions, to be computed once a step for all layers. @param positions [T] @returns [T, D]: D/2 cosines, then D/2 sines */
  angles(positions: Int32Array): Float32Array {
    const { halfDim, inverse, positionScale, magnitude } = this;
    const angles = new Float32Array(positions.length * 2 * halfDim); // [T, D]
    for (let t = 0; t < positions.length; t++) {
      for (let i = 0; i < halfDim; i++) {
        // The authors' code keeps positions, frequencies and angles in float32.
        const angle = Math.fround(Math.fround(positions[t]! * positionScale) * inverse[i]!);
        angles[t * 2 * halfDim + i] = Math.cos(angle) * magnitude;
        angles[(t * 2 + 1) * halfDim + i] = Math.sin(angle) * magnitude;
      }
    }
    return angles;
  }

  /** Turns one head. @param source a head [D] from `from` on @param target where it goes, from `to` on @param row the token's row of {@link angles} */
  rotate(source: Float32Array, from: number, target: Float32Array, to: number, angles: Float32Array, row: number): void {
    const { halfDim } = this;
    const cosines = row * 2 * halfDim;
    for (let i = 0; i < halfDim; i++) {
      const cos = angles[cosines + i]!;
      const sin = angles[cosines + halfDim + i]!;
      const first = source[from + i]!;
      const second = source[from + halfDim + i]!;
      target[to + i] = first * cos - second * sin;
      target[to + halfDim + i] = second * cos + first * sin;
    }
  }
}

/** What of a model's config decides about positions. */
export type RotaryConfig = Pick<ModelConfig, 'headDim' | 'ropeTheta' | 'ropeScaling'>;

/** [D/2] radians a position. */
function inverseFrequencies({ headDim, ropeTheta, ropeScaling }: RotaryConfig): Float32Array {
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
