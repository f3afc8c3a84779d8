import type { StepProfile } from '@ringmesh/core';
import type { Dispatcher } from '@ringmesh/dispatch';
import { KvCachePool } from '@ringmesh/kv-cache';
import { float32, Session } from '@ringmesh/onnx';
import { PackLayout, type ModelConfig, type PackManifest } from '@ringmesh/weights';
import { Layer } from './layer.js';
import { MicroBatch } from './micro-batch.js';
import type { Segment } from './segment.js';
import { SoftmaxAttention } from './softmax-attention.js';

export interface ModelOptions {
  packDir: string;
  manifest: PackManifest;
  dispatcher: Dispatcher;
  /** What all sequences' keys and values may take together. */
  kvCacheBytes: number;
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
  private readonly head: Session;
  private readonly attention: SoftmaxAttention;

  private constructor(private readonly options: ModelOptions) {
    const { manifest, packDir, dispatcher, kvCacheBytes, onProgress, profile } = options;
    const { config } = manifest;
    const layout = new PackLayout(packDir);
    this.config = config;
    this.caches = new KvCachePool(config, kvCacheBytes);
    this.attention = new SoftmaxAttention(config);
    this.embedding = Session.open(layout.routerGraph('embedding'), ['hidden']);
    for (let index = 0; index < config.numLayers; index++) {
      this.layers.push(new Layer(index, { config, layout, attention: this.attention, dispatcher, profile }));
      onProgress?.(index + 1, config.numLayers);
    }
    this.head = Session.open(layout.routerGraph('head'), ['logits']);
  }

  /** Opens every graph of the pack's `router/` folder. Blocks the thread. */
  static open(options: ModelOptions): Model {
    return new Model(options);
  }

  /**
   * One step: the new tokens of all segments go through all layers, and their caches advance.
   * @returns logits [N, V]: for each segment with needsLogits, in order, those after its last token
   * @throws ShardUnavailableError when experts cannot be reached; no cache has advanced then
   */
  forward(segments: Segment[]): Float32Array {
    const batches = [new MicroBatch(0, segments)];
    try {
      for (const batch of batches) this.embed(batch);
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
      for (const batch of batches) this.options.dispatcher.abandon(batch.slot);
      throw error;
    }
    for (const { cache, tokenIds } of segments) cache.advance(tokenIds.length);
    const logits = this.logits(batches);
    this.options.profile?.mark('head');
    return logits;
  }

  close(): void {
    for (const part of [this.embedding, this.head, this.attention, ...this.layers]) part.close();
  }

  private embed(batch: MicroBatch): void {
    batch.residual = this.embedding.run({ tokenIds: batch.tokenIds })['hidden']!.data as Float32Array; // [T, H]
    batch.update = new Float32Array(batch.residual.length); // [T, H]
  }

  private logits(batches: MicroBatch[]): Float32Array {
    const { hiddenSize } = this.config;
    const rows = batches.flatMap((batch) => lastRows(batch).map((row) => ({ batch, row })));
    if (rows.length === 0) return new Float32Array(0);
    const residual = new Float32Array(rows.length * hiddenSize); // [N, H]
    const update = new Float32Array(rows.length * hiddenSize); // [N, H]
    for (const [index, { batch, row }] of rows.entries()) {
      residual.set(batch.residual.subarray(row * hiddenSize, (row + 1) * hiddenSize), index * hiddenSize);
      update.set(batch.update.subarray(row * hiddenSize, (row + 1) * hiddenSize), index * hiddenSize);
    }
    const shape = [rows.length, hiddenSize];
    return this.head.run({ residual: float32(residual, shape), update: float32(update, shape) })['logits']!.data as Float32Array; // [N, V]
  }
}

/** The row of each segment's last token, for the segments that a token is sampled for. */
function lastRows(batch: MicroBatch): number[] {
  return batch.segments.flatMap(({ needsLogits, tokenIds }, index) => (needsLogits ? [batch.starts[index]! + tokenIds.length - 1] : []));
}
