import { float32, type Tensor } from '@ringmesh/onnx';
import type { ModelConfig } from '@ringmesh/weights';

/**
 * The logarithm of what each head's state is multiplied by at every token: −slope × (1 − layer / (layers − 1) + 1e-5), with the slopes of
 * ALiBi (arXiv 2108.12409). Source: the authors' modelling code. @returns [heads]
 */
export function logDecays({ numAttentionHeads, numLayers }: Pick<ModelConfig, 'numAttentionHeads' | 'numLayers'>, layer: number): number[] {
  const factor = 1 - layer / (numLayers - 1) + 1e-5;
  return slopes(numAttentionHeads).map((slope) => -slope * factor);
}

/** Powers of 2^(−8 / n). Where n is no power of two: those of the next lower one, then every second of those of the next higher one. */
function slopes(numHeads: number): number[] {
  const lower = 2 ** Math.floor(Math.log2(numHeads));
  const powers = (count: number): number[] => Array.from({ length: count }, (_, head) => 2 ** ((-8 * (head + 1)) / count));
  return [...powers(lower), ...powers(2 * lower).filter((_, index) => index % 2 === 0)].slice(0, numHeads);
}

/** What a chunk of t tokens is multiplied by, as inputs of the core's graph. */
export type ChunkDecays = Record<'mask' | 'queryDecay' | 'keyDecay' | 'stateDecay', Tensor>;

/** The decays of some heads in one layer. */
export class Decays {
  /** By head, for one token. */
  readonly factors: Float64Array;
  private readonly kept = new Map<number, ChunkDecays>();

  constructor(private readonly logs: readonly number[]) {
    this.factors = Float64Array.from(logs, Math.exp);
  }

  /** Made once for whole chunks, of which there are many; chunks of other sizes differ from step to step, and just the last is kept. */
  ofChunk(numTokens: number, wholeChunk: number): ChunkDecays {
    const kept = this.kept.get(numTokens);
    if (kept !== undefined) return kept;
    for (const size of this.kept.keys()) if (size !== wholeChunk) this.kept.delete(size);
    const made = chunkDecays(this.logs, numTokens);
    this.kept.set(numTokens, made);
    return made;
  }
}

function chunkDecays(logs: readonly number[], t: number): ChunkDecays {
  const mask = new Float32Array(logs.length * t * t); // [heads, t, t]
  const queryDecay = new Float32Array(logs.length * t); // [heads, t, 1]
  const keyDecay = new Float32Array(logs.length * t); // [heads, t, 1]
  const stateDecay = new Float32Array(logs.length); // [heads, 1, 1]
  for (const [head, log] of logs.entries()) {
    const powers = Float32Array.from({ length: t + 1 }, (_, distance) => Math.exp(log * distance));
    stateDecay[head] = powers[t]!;
    for (let i = 0; i < t; i++) {
      queryDecay[head * t + i] = powers[i + 1]!;
      keyDecay[head * t + i] = powers[t - 1 - i]!;
      for (let j = 0; j <= i; j++) mask[(head * t + i) * t + j] = powers[i - j]!;
    }
  }
  return {
    mask: float32(mask, [logs.length, t, t]),
    queryDecay: float32(queryDecay, [logs.length, t, 1]),
    keyDecay: float32(keyDecay, [logs.length, t, 1]),
    stateDecay: float32(stateDecay, [logs.length, 1, 1]),
  };
}
