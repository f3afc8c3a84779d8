import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { BlockMemory } from '@ringmesh/kv-cache';
import type { AttentionBatch, BatchPlan } from './attention-batch.js';
import { type Job, JobChannel, type JobChannelBuffers } from './job-channel.js';
import type { ModelRank } from './model-rank.js';
import { type ActivationBuffers, SharedActivations } from './shared-activations.js';

/** What the ranks of a model share. */
export interface SharedMemory {
  /** By slot: micro-batches that may be in flight at once. */
  activations: ActivationBuffers[]; // [slots]
  /** Of the sequences' caches. */
  blocks: BlockMemory;
  /** Rows that logits are wanted of. */
  rows: SharedArrayBuffer; // [maxRows, H]
  logits: SharedArrayBuffer; // [maxRows, V]
}

/** What the engine's thread tells of a micro-batch before its first job. */
export interface PlanMessage {
  slot: number;
  plan: BatchPlan;
}

/** A rank's end of its connection with the engine's thread. */
export interface RankLink {
  /** Brings the plans of micro-batches, each before its first job. */
  port: MessagePort;
  jobs: JobChannelBuffers[]; // [slots]
}

/** Does a rank's share of the router's work on a thread of its own. */
export class RankWorker {
  private readonly channels: JobChannel[]; // [slots]
  private readonly activations: SharedActivations[]; // [slots]
  private readonly batches: (AttentionBatch | undefined)[]; // [slots]
  private readonly rows: Float32Array; // [maxRows, H]
  private readonly logits: Float32Array; // [maxRows, V]

  constructor(
    private readonly rank: ModelRank,
    private readonly link: RankLink,
    memory: SharedMemory,
  ) {
    this.channels = link.jobs.map((buffers) => new JobChannel(buffers));
    this.activations = memory.activations.map((buffers) => new SharedActivations(buffers));
    this.batches = this.channels.map(() => undefined);
    this.rows = new Float32Array(memory.rows);
    this.logits = new Float32Array(memory.logits);
  }

  /** Does the jobs that wait now. @returns false where there was none */
  serve(): boolean {
    let served = false;
    for (const [slot, channel] of this.channels.entries()) {
      const job = channel.take();
      if (job === null) continue;
      served = true;
      try {
        this.run(slot, job);
        channel.finish();
      } catch (error) {
        channel.fail(error instanceof Error ? error.message : String(error));
      }
    }
    return served;
  }

  close(): void {
    this.rank.close();
  }

  private run(slot: number, { kind, batch, layer, parts, numRows }: Job): void {
    const activations = this.activations[slot]!;
    if (kind === 'attention') this.rank.attention(layer, this.batchOf(slot, batch), activations);
    else if (kind === 'mlp') this.rank.mlp(layer, parts, numRows, activations);
    else this.rank.logits(this.rows, this.logits, numRows);
  }

  private batchOf(slot: number, id: number): AttentionBatch {
    while (this.batches[slot]?.id !== id) {
      const received: { message: PlanMessage } | undefined = receiveMessageOnPort(this.link.port);
      if (received === undefined) throw new Error(`the plan of micro-batch ${id} did not come`);
      this.batches[received.message.slot] = this.rank.batchOf(received.message.plan);
    }
    return this.batches[slot];
  }
}
