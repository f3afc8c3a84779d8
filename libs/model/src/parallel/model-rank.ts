import type { StepProfile } from '@ringmesh/core';
import type { BlockMemory, CacheLayout, KvCacheDtype } from '@ringmesh/kv-cache';
import { float32, Session } from '@ringmesh/onnx';
import { attentionKind, type AttentionKind, type ModelConfig, type PackLayout } from '@ringmesh/weights';
import { ATTENTION_KINDS, cacheLayout } from '../attention-kinds.js';
import type { AttentionLayers } from '../attention-layers.js';
import { type Part, rangeOf } from '../parts.js';
import { Rotary } from '../rotary.js';
import { AttentionBatch, type BatchPlan } from './attention-batch.js';
import type { SharedActivations } from './shared-activations.js';

export interface ModelRankOptions {
  config: ModelConfig;
  layout: PackLayout;
  /** P */
  numParts: number;
  /** Which of the compute threads this is, and how many there are. */
  rank: number;
  numRanks: number;
  kvCacheDtype: KvCacheDtype;
  blocks: BlockMemory;
  profile?: StepProfile | undefined;
  /** Called after each layer that was opened. */
  onProgress?: ((layersOpen: number, layersTotal: number) => void) | undefined;
}

/** One layer on one rank. */
interface RankLayer {
  /** Of the layer's kind. */
  attention: AttentionLayers;
  /** Every part, on every rank: who has the least to do takes it. None where a layer has routed experts only. */
  mlp: Session[]; // [P]
}

/**
 * What one compute thread holds of the router's part of the model: heads and vocabulary of the parts that are its own, and all of the shared
 * experts, which are small.
 */
export class ModelRank {
  /** A bit for each of its own parts. */
  readonly ownParts: number;
  private readonly parts: Part[];
  private readonly layers: RankLayer[] = [];
  private readonly heads: (Session | undefined)[]; // [P]
  private readonly attentions = new Map<AttentionKind, AttentionLayers>();
  private readonly cacheLayout: CacheLayout;
  private readonly rotary: Rotary;

  private constructor(private readonly options: ModelRankOptions) {
    const { config, layout, numParts: count, rank, numRanks, onProgress } = options;
    this.parts = Array.from({ length: count }, (_, index) => ({ index, count })).filter(({ index }) => index % numRanks === rank);
    this.ownParts = bitsOf(this.parts.map(({ index }) => index));
    this.rotary = new Rotary(config);
    this.cacheLayout = cacheLayout(config, options.kvCacheDtype);
    for (let layer = 0; layer < config.numLayers; layer++) {
      this.layers.push(this.openLayer(layer));
      onProgress?.(layer + 1, config.numLayers);
    }
    this.heads = this.ofOwnParts((part) => Session.open(layout.routerGraph('head', part), ['logits']));
  }

  /** Opens the graphs. Blocks the thread. */
  static open(options: ModelRankOptions): ModelRank {
    return new ModelRank(options);
  }

  /** A micro-batch as this thread's attention sees it. */
  batchOf(plan: BatchPlan): AttentionBatch {
    return new AttentionBatch(plan, this.cacheLayout, this.options.blocks, this.rotary);
  }

  /** What the heads of its own parts make of `hidden`: `attention[part]`, [T, H] each. The caches take what is new. */
  attention(layer: number, batch: AttentionBatch, activations: SharedActivations): void {
    this.layers[layer]!.attention.run(layer, batch, activations);
  }

  /** Some parts of the shared experts or the dense MLP: `normed` → `mlp[part]`, [T, H] each. */
  mlp(layer: number, parts: number, numTokens: number, activations: SharedActivations): void {
    const { hiddenSize } = this.options.config;
    const normed = float32(activations.normed.subarray(0, numTokens * hiddenSize), [numTokens, hiddenSize]); // [T, H]
    for (const [part, session] of this.layers[layer]!.mlp.entries()) {
      if ((parts & (1 << part)) === 0) continue;
      activations.mlp[part]!.set(session.run({ hidden: normed })['output']!.data as Float32Array); // [T, H]
    }
  }

  /** Logits of its own parts of the vocabulary. @param hidden [N, H] @param logits [N, V], of which it fills its columns */
  logits(hidden: Float32Array, logits: Float32Array, numRows: number): void {
    const { hiddenSize, vocabSize } = this.options.config;
    for (const part of this.parts) {
      const dims = [numRows, hiddenSize];
      const { logits: output } = this.heads[part.index]!.run({ hidden: float32(hidden.subarray(0, numRows * hiddenSize), dims) });
      const columns = output!.data as Float32Array; // [N, V / P]
      const { first, count } = rangeOf(vocabSize, part);
      for (let row = 0; row < numRows; row++) logits.set(columns.subarray(row * count, (row + 1) * count), row * vocabSize + first);
    }
  }

  close(): void {
    for (const attention of this.attentions.values()) attention.close();
    for (const session of [...this.layers.flatMap(({ mlp }) => mlp), ...this.heads]) session?.close();
  }

  private openLayer(layer: number): RankLayer {
    const { config, layout, numParts } = this.options;
    const attention = this.attentionOf(attentionKind(config, layer));
    attention.open(layer);
    const hasMlp = layer < config.firstKDenseReplace || config.numSharedExperts > 0;
    return {
      attention,
      mlp: Array.from({ length: hasMlp ? numParts : 0 }, (_, part) => Session.open(layout.layerGraph(layer, 'mlp', part), ['output'])),
    };
  }

  private attentionOf(kind: AttentionKind): AttentionLayers {
    const { config, layout, profile, kvCacheDtype, blocks } = this.options;
    const open =
      this.attentions.get(kind) ??
      ATTENTION_KINDS[kind].open({ config, layout, parts: this.parts, rotary: this.rotary, kvCacheDtype, blocks, profile });
    this.attentions.set(kind, open);
    return open;
  }

  private ofOwnParts(open: (part: number) => Session): (Session | undefined)[] {
    const sessions: (Session | undefined)[] = [];
    for (const { index } of this.parts) sessions[index] = open(index);
    return sessions;
  }
}

/** A bit for each. */
export function bitsOf(parts: readonly number[]): number {
  return parts.reduce((bits, part) => bits | (1 << part), 0);
}
