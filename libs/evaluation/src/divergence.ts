import { EngineFailedError } from '@ringmesh/core';

/** How far a model's predictions are from the reference's, over the positions of a text. */
export interface Divergence {
  positions: number;
  /** Kullback-Leibler divergence KL(reference ‖ model) in nats: mean over positions, 99th percentile (nearest rank) and largest. */
  klMean: number;
  klP99: number;
  klMax: number;
  /** 0…1: positions at which both think the same token the most probable. */
  top1Agreement: number;
}

/** Collects {@link Divergence} position by position; holds one number for each. */
export class DivergenceCollector {
  private readonly divergences: number[] = [];
  private agreements = 0;

  /**
   * Counts one position.
   * @param reference logits [V] @param other logits [V]
   * @throws EngineFailedError where a logit is not a number
   */
  add(reference: Float32Array, other: Float32Array): void {
    const divergence = divergenceOf(reference, other);
    if (!Number.isFinite(divergence)) {
      throw new EngineFailedError(
        `A logit of position ${this.divergences.length} is not a number: the weights may be damaged; pack them again`,
      );
    }
    this.divergences.push(divergence);
    if (argmax(reference) === argmax(other)) this.agreements++;
  }

  /** Of all positions so far, at least one. */
  read(): Divergence {
    const ascending = Float64Array.from(this.divergences).sort();
    const positions = ascending.length;
    if (positions === 0) throw new RangeError('no position was counted');
    return {
      positions,
      klMean: ascending.reduce((sum, value) => sum + value, 0) / positions,
      klP99: ascending[Math.ceil(0.99 * positions) - 1]!,
      klMax: ascending[positions - 1]!,
      top1Agreement: this.agreements / positions,
    };
  }
}

/** KL(softmax(p) ‖ softmax(q)) in nats, never below zero. */
function divergenceOf(p: Float32Array, q: Float32Array): number {
  const totalOfP = logSumExp(p);
  const totalOfQ = logSumExp(q);
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    const logP = p[i]! - totalOfP;
    sum += Math.exp(logP) * (logP - (q[i]! - totalOfQ));
  }
  return sum < 0 ? 0 : sum; // rounding; NaN stays
}

function logSumExp(logits: Float32Array): number {
  const max = logits[argmax(logits)]!;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - max);
  return max + Math.log(sum);
}

/** The first of the largest. */
function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}
