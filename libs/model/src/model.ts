import type { StepProfile } from '@ringmesh/core';
import type { Dispatcher } from '@ringmesh/dispatch';
import { type KvCacheDtype, KvCachePool } from '@ringmesh/kv-cache';
import { Session } from '@ringmesh/onnx';
import { Doorbell } from '@ringmesh/protocol';
import { PackLayout, readAhead, type ModelConfig, type PackManifest } from '@ringmesh/weights';
import { cacheLayout } from './attention-kinds.js';
import { Layer } from './layer.js';
import { MicroBatch } from './micro-batch.js';
import { ModelRank } from './parallel/model-rank.js';
import { allocateSharedMemory, type OtherRanks } from './parallel/rank-memory.js';
import { TensorParallel } from './parallel/tensor-parallel.js';
import type { Segment } from './segment.js';

export interface ModelOptions {
  packDir: string;
  manifest: PackManifest;
  dispatcher: Dispatcher;
  /** What all sequences' keys, values and states may take together. */
  kvCacheBytes: number;
  kvCacheDtype: KvCacheDtype;
  /** T of a step at most. */
  maxTokens: number;
  /** Drafts of a segment at most; none where nothing is said. */
  numDrafts?: number | undefined;
  /** Compute threads that share the router's work with this one; none where nothing is said. */
  others?: OtherRanks | undefined;
  onProgress?: (layersOpen: number, layersTotal: number) => void;
  /** Told how long each part of a forward pass took. */
  profile?: StepProfile | undefined;
}

/** The router's part of a model: embedding, attention, gates, shared experts, head. Routed experts are behind the dispatcher. */
export class Model {
  readonly caches: KvCachePool;
  private readonly config: ModelConfig;
  private readonly embedding: Session;
  private readonly layers: Layer[] = [];
  private readonly ranks: TensorParallel;

  private constructor(private readonly options: ModelOptions) {
    const { manifest, packDir, dispatcher, kvCacheBytes, kvCacheDtype, maxTokens, numDrafts, others, onProgress, profile } = options;
    const { config, numParts } = manifest;
    const layout = new PackLayout(packDir);
    this.config = config;
    this.embedding = Session.open(layout.routerGraph('embedding'), ['hidden']);
    const sizes = { maxTokens, maxRows: Math.min(maxTokens, 256), numSlots: 1, kvCacheBytes, kvCacheDtype };
    const memory = others?.memory ?? allocateSharedMemory(manifest, sizes);
    this.caches = new KvCachePool(cacheLayout(config, kvCacheDtype, numDrafts), kvCacheBytes, memory.blocks);
    const numRanks = 1 + (others?.links.length ?? 0);
    this.ranks = new TensorParallel({
      own: ModelRank.open({ config, layout, numParts, rank: 0, numRanks, kvCacheDtype, blocks: memory.blocks, onProgress, profile }),
      links: others?.links ?? [],
      memory,
      hiddenSize: config.hiddenSize,
      vocabSize: config.vocabSize,
      leaderBell: others?.leaderBell ?? new Doorbell(),
      timeoutMs: 60_000,
    });
    const rankOfExpert = others?.rankOfExpert ?? new Int32Array(config.numExperts);
    const context = { config, layout, numParts, ranks: this.ranks, dispatcher, rankOfExpert, profile };
    for (let index = 0; index < config.numLayers; index++) this.layers.push(new Layer(index, context));
    // A token's row is read from the mapped file when it is needed, and that is not the time to wait for the disk.
    readAhead(layout.routerData('embedding'));
  }

  /** Opens every graph of the pack's `router/` folder. Blocks the thread. */
  static open(options: ModelOptions): Model {
    return new Model(options);
  }

  /**
   * One step: the new tokens of all segments go through all layers, and their caches advance, but for drafts: whoever finds that some came true
   * advances over these.
   * @returns logits [N, V]: those that the segments want, in order, {@link maxLogitRows} at most; valid until the next step
   * @throws ShardUnavailableError when experts cannot be reached; no cache has advanced then
   */
  forward(segments: Segment[]): Float32Array {
    const batches = [new MicroBatch(0, segments)];
    try {
      for (const batch of batches) this.begin(batch);
      this.options.profile?.mark('embedding');
      for (const [index, layer] of this.layers.entries()) {
        // While one micro-batch is with the experts of the layer before, the other has the router.
        for (const batch of batches) {
          this.layers[index - 1]?.finish(batch);
          layer.start(batch);
        }
      }
      for (const batch of batches) this.layers.at(-1)!.finish(batch);
    } catch (error) {
      for (const batch of batches) this.abandon(batch);
      throw error;
    }
    for (const batch of batches) this.tellLogits(batch);
    const logits = this.logits(batches);
    // Last of all: a step that fails must not have changed what it would be computed again from.
    for (const { cache, tokenIds, numDrafts = 0 } of segments) cache.advance(tokenIds.subarray(0, tokenIds.length - numDrafts));
    this.options.profile?.mark('head');
    return logits;
  }

  /** Rows that logits may be wanted of in one step. */
  get maxLogitRows(): number {
    return this.ranks.maxRows;
  }

  close(): void {
    for (const part of [this.embedding, this.ranks, ...this.layers]) part.close();
  }

  /** Tells all ranks of a micro-batch, and looks its tokens up. */
  private begin({ slot, segments, tokenIds }: MicroBatch): void {
    this.ranks.begin(
      slot,
      segments.map(({ cache, tokenIds: ids }) => ({ memory: cache.memory, numTokens: ids.length })),
    );
    this.ranks.activations[slot]!.hidden.set(this.embedding.run({ tokenIds })['hidden']!.data as Float32Array); // [T, H]
  }

  /** Nothing of a micro-batch that failed may be under way when the next one begins. */
  private abandon({ slot }: MicroBatch): void {
    this.options.dispatcher.abandon(slot);
    this.ranks.join(slot);
  }

  /** Computes logits for the segments that want to be told of all of theirs. */
  private tellLogits(batch: MicroBatch): void {
    const { vocabSize } = this.config;
    for (const [segment, { tokenIds, onLogits }] of batch.segments.entries()) {
      if (onLogits === undefined) continue;
      for (let first = 0; first < tokenIds.length; first += this.maxLogitRows) {
        const count = Math.min(this.maxLogitRows, tokenIds.length - first);
        for (let row = 0; row < count; row++) this.takeRow(batch, batch.starts[segment]! + first + row, row);
        const logits = this.ranks.logits(count); // [count, V]
        for (let row = 0; row < count; row++) onLogits(first + row, logits.subarray(row * vocabSize, (row + 1) * vocabSize));
      }
    }
  }

  private logits(batches: MicroBatch[]): Float32Array {
    let numRows = 0;
    for (const batch of batches) {
      for (const row of batch.logitRows()) this.takeRow(batch, row, numRows++);
    }
    return numRows === 0 ? new Float32Array(0) : this.ranks.logits(numRows);
  }

  /** Gives a token's hidden state [H] to the head, as one of its rows. */
  private takeRow({ slot }: MicroBatch, token: number, row: number): void {
    const { hiddenSize } = this.config;
    const { rows, activations } = this.ranks;
    rows.set(activations[slot]!.hidden.subarray(token * hiddenSize, (token + 1) * hiddenSize), row * hiddenSize);
  }
}
