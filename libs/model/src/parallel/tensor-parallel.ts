import { EngineFailedError } from '@ringmesh/core';
import type { Doorbell } from '@ringmesh/protocol';
import type { AttentionBatch, BatchPlan } from './attention-batch.js';
import { type Job, JobChannel } from './job-channel.js';
import type { ModelRank } from './model-rank.js';
import type { PlanMessage, RankLink, SharedMemory } from './rank-worker.js';
import { SharedActivations } from './shared-activations.js';

export interface TensorParallelOptions {
  /** What this thread holds. */
  own: ModelRank;
  /** The other ranks, from 1 on. */
  links: RankLink[];
  memory: SharedMemory;
  /** H */
  hiddenSize: number;
  /** V */
  vocabSize: number;
  /** Rung by the other ranks when a job is done. */
  leaderBell: Doorbell;
  timeoutMs: number;
}

/** Has the router's work done by all ranks together: this thread, rank 0, and the others. Each job is handed out, done here in part, and joined. */
export class TensorParallel {
  readonly numRanks: number;
  readonly activations: SharedActivations[]; // [slots]
  /** The hidden states that {@link logits} reads. */
  readonly rows: Float32Array; // [maxRows, H]
  private readonly logitsMemory: Float32Array; // [maxRows, V]
  private readonly channels: JobChannel[][]; // [slots][ranks − 1]
  private readonly batches: AttentionBatch[] = []; // [slots]
  private nextBatch = 1;

  constructor(private readonly options: TensorParallelOptions) {
    const { links, memory } = options;
    this.numRanks = 1 + links.length;
    this.activations = memory.activations.map((buffers) => new SharedActivations(buffers));
    this.rows = new Float32Array(memory.rows);
    this.logitsMemory = new Float32Array(memory.logits);
    this.channels = this.activations.map((_, slot) => links.map(({ jobs }) => new JobChannel(jobs[slot]!)));
  }

  /** Tells all ranks of a new micro-batch. */
  begin(slot: number, segments: BatchPlan['segments']): void {
    const plan: BatchPlan = { id: this.nextBatch, segments };
    this.nextBatch = (this.nextBatch % 2 ** 30) + 1;
    for (const { port } of this.options.links) port.postMessage({ slot, plan } satisfies PlanMessage);
    this.batches[slot] = this.options.own.batchOf(plan);
  }

  /** What all heads of a layer add to the residual stream: `attention[part]` of the slot's activations. */
  attention(slot: number, layer: number): void {
    const { own } = this.options;
    const batch = this.batches[slot]!;
    this.fork(slot, { kind: 'attention', batch: batch.id, layer, numRows: batch.numTokens });
    own.attention(layer, batch, this.activations[slot]!);
    this.join(slot);
  }

  /**
   * The shared experts or the dense MLP of a layer: `mlp[part]` of the slot's activations. Returns when this rank's parts are done;
   * {@link join} waits for the others.
   * @param parts a bit for each part, by rank
   */
  startMlp(slot: number, layer: number, parts: Int32Array): void {
    const { numTokens, id } = this.batches[slot]!;
    this.fork(slot, { kind: 'mlp', batch: id, layer, numRows: numTokens }, parts);
    this.options.own.mlp(layer, parts[0]!, numTokens, this.activations[slot]!);
  }

  /** Logits of the first N {@link rows}. @returns [N, V], valid until the next call */
  logits(numRows: number): Float32Array {
    this.fork(0, { kind: 'logits', batch: 0, layer: 0, numRows });
    this.options.own.logits(this.rows, this.logitsMemory, numRows);
    this.join(0);
    return this.logitsMemory.subarray(0, numRows * this.options.vocabSize);
  }

  /** N of {@link logits} at most. */
  get maxRows(): number {
    return this.rows.length / this.options.hiddenSize;
  }

  /**
   * Waits for the other ranks' jobs of a slot.
   * @throws EngineFailedError where one failed, or does not end
   */
  join(slot: number): void {
    const { leaderBell, timeoutMs } = this.options;
    const channels = this.channels[slot]!;
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const seen = leaderBell.value;
      if (channels.every((channel) => channel.isIdle || channel.isSettled)) break;
      const remaining = deadline - performance.now();
      if (remaining <= 0) throw new EngineFailedError(`A compute thread has not answered within ${timeoutMs} ms`);
      leaderBell.wait(seen, remaining);
    }
    const failures = channels.filter((channel) => !channel.isIdle).map((channel) => channel.takeFailure());
    const failure = failures.find((cause) => cause !== null);
    if (failure !== undefined) throw new EngineFailedError(`A compute thread failed: ${failure}`);
  }

  close(): void {
    this.options.own.close();
    for (const { port } of this.options.links) port.close();
  }

  /** @param parts of each rank; all that are its own where nothing is said */
  private fork(slot: number, job: Omit<Job, 'parts'>, parts?: Int32Array): void {
    for (const [index, channel] of this.channels[slot]!.entries()) {
      const bits = parts?.[index + 1] ?? 0;
      if (parts === undefined || bits !== 0) channel.post({ ...job, parts: bits });
    }
  }
}
