import { EngineFailedError } from '@ringmesh/core';
import type { ChannelShape, ExpertBatch } from '@ringmesh/protocol';

/** A micro-batch grouped by expert: what the gate chose, as one batch for all experts of a layer. Its arrays are reused. */
export class RoutedBatch implements ExpertBatch {
  layer = 0;
  epoch = 0;
  numTokens = 0;
  hidden = new Float32Array(); // [T, H]
  experts = new Int32Array(); // [experts with rows]
  counts = new Int32Array(); // [experts with rows]
  rows = new Int32Array(); // [T·k]
  weights = new Float32Array(); // [T·k]
  readonly nodes = new Int32Array(); // what is asked of a host depends on the host

  private readonly memory: { experts: Int32Array<ArrayBuffer>; counts: Int32Array<ArrayBuffer>; rows: Int32Array<ArrayBuffer> };
  private readonly weightMemory: Float32Array<ArrayBuffer>; // [maxTokens·k]
  private readonly chosen: Int32Array; // [maxTokens·k]
  private readonly next: Int32Array; // [numExperts]

  constructor(private readonly shape: ChannelShape) {
    const maxRows = shape.maxTokens * shape.expertsPerToken;
    const { numExperts } = shape;
    this.memory = { experts: new Int32Array(numExperts), counts: new Int32Array(numExperts), rows: new Int32Array(maxRows) };
    this.weightMemory = new Float32Array(maxRows);
    this.chosen = new Int32Array(maxRows);
    this.next = new Int32Array(numExperts);
  }

  /**
   * Groups by counting sort: experts ascend, and rows within an expert.
   * @param hidden [T, H], kept by reference @param topkIds [T, k] @param topkWeights [T, k]
   * @throws EngineFailedError for an expert that does not exist or more tokens than the shape has
   */
  route(hidden: Float32Array, topkIds: BigInt64Array | Int32Array, topkWeights: Float32Array, numTokens: number): void {
    const { maxTokens, numExperts, expertsPerToken } = this.shape;
    if (numTokens < 1 || numTokens > maxTokens) throw new EngineFailedError(`a micro-batch of ${numTokens} tokens; 1 to ${maxTokens} fit`);
    const numRows = numTokens * expertsPerToken;
    const { chosen, next } = this;
    next.fill(0);
    for (let i = 0; i < numRows; i++) {
      const expert = Number(topkIds[i]);
      if (!(expert >= 0 && expert < numExperts))
        throw new EngineFailedError(`topkIds[${i}] is ${expert}; the layer has ${numExperts} experts`);
      chosen[i] = expert;
      next[expert]!++;
    }
    this.startExperts();
    for (let i = 0; i < numRows; i++) {
      const at = next[chosen[i]!]!++;
      this.memory.rows[at] = Math.floor(i / expertsPerToken);
      this.weightMemory[at] = topkWeights[i]!;
    }
    this.numTokens = numTokens;
    this.hidden = hidden as Float32Array<ArrayBuffer>; // [T, H]
    this.rows = this.memory.rows.subarray(0, numRows);
    this.weights = this.weightMemory.subarray(0, numRows);
  }

  /** Lists the experts whose count in `next` is not zero, and turns the counts into where each expert's rows start. */
  private startExperts(): void {
    const { experts, counts } = this.memory;
    let numExperts = 0;
    let start = 0;
    for (let expert = 0; expert < this.next.length; expert++) {
      const count = this.next[expert]!;
      this.next[expert] = start;
      if (count === 0) continue;
      experts[numExperts] = expert;
      counts[numExperts++] = count;
      start += count;
    }
    this.experts = experts.subarray(0, numExperts);
    this.counts = counts.subarray(0, numExperts);
  }
}
