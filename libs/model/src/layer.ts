import type { StepProfile } from '@ringmesh/core';
import type { Dispatcher } from '@ringmesh/dispatch';
import { float32, Session, type Tensor } from '@ringmesh/onnx';
import { addScaled } from '@ringmesh/tensor';
import type { ModelConfig, PackLayout } from '@ringmesh/weights';
import { attentionModule } from './attention-kinds.js';
import type { AttentionModule } from './attention-layers.js';
import type { MicroBatch } from './micro-batch.js';
import { assignParts } from './parallel/assign-parts.js';
import type { TensorParallel } from './parallel/tensor-parallel.js';

/** What the layers of a model have in common. */
export interface LayerContext {
  config: ModelConfig;
  layout: PackLayout;
  /** P */
  numParts: number;
  ranks: TensorParallel;
  dispatcher: Dispatcher;
  /** The rank that computes each expert, −1 where it is none of them. */
  rankOfExpert: Int32Array; // [E]
  profile: StepProfile | undefined;
}

/**
 * One transformer layer. {@link start} does what the router does by itself and sends the rest to the experts; {@link finish} waits for
 * them. Between the two, another micro-batch may use the router.
 */
export class Layer {
  private readonly attention: AttentionModule;
  private readonly mlpIn: Session;
  private readonly hasExperts: boolean;
  private readonly hasMlp: boolean;
  /** A part of the MLP, in widths of a routed expert. */
  private readonly partWidth: number;

  constructor(
    private readonly index: number,
    private readonly context: LayerContext,
  ) {
    const { config, layout, numParts } = context;
    this.attention = attentionModule(config, index);
    this.hasExperts = index >= config.firstKDenseReplace;
    this.hasMlp = !this.hasExperts || config.numSharedExperts > 0;
    const width = this.hasExperts ? config.numSharedExperts * config.moeIntermediateSize : config.intermediateSize;
    this.partWidth = width / config.moeIntermediateSize / numParts;
    this.mlpIn = Session.open(layout.layerGraph(index, 'mlp-in'), ['normed', ...(this.hasExperts ? ['topkWeights', 'topkIds'] : [])]);
  }

  /** Attention, gate, dispatch to the experts, and, while they work, the shared experts. */
  start(batch: MicroBatch): void {
    const { config, ranks, profile } = this.context;
    const { slot, numTokens } = batch;
    const activations = ranks.activations[slot]!;
    const { hidden, normed } = activations;
    const length = numTokens * config.hiddenSize;
    ranks.attention(slot, this.index);
    this.attention.join(config, activations, numTokens);
    profile?.mark('attention-join');
    const out = this.mlpIn.run({ hidden: float32(hidden.subarray(0, length), [numTokens, config.hiddenSize]) });
    normed.set(out['normed']!.data as Float32Array); // [T, H]
    profile?.mark('gate');
    if (this.hasExperts) this.dispatch(batch, out);
    profile?.mark('dispatch');
    if (this.hasMlp) ranks.startMlp(slot, this.index, this.assign(batch));
    profile?.mark('shared-experts');
  }

  /** Waits for the experts and the other ranks, and adds what they computed to the residual stream. */
  finish({ slot, numTokens }: MicroBatch): void {
    const { config, ranks, dispatcher, profile } = this.context;
    const { hidden, mlp } = ranks.activations[slot]!;
    if (this.hasExperts) dispatcher.combine(slot, hidden);
    profile?.mark('combine');
    if (this.hasMlp) {
      ranks.join(slot);
      for (const output of mlp) addScaled(hidden, 0, output, 0, numTokens * config.hiddenSize, 1); // [T, H]
    }
    profile?.mark('mlp-join');
  }

  close(): void {
    this.mlpIn.close();
  }

  private dispatch(batch: MicroBatch, { topkIds, topkWeights }: Record<string, Tensor>): void {
    const { config, ranks, dispatcher } = this.context;
    const ids = topkIds!.data as BigInt64Array; // [T, k]
    const weights = topkWeights!.data as Float32Array; // [T, k]
    dispatcher.dispatch(batch.slot, this.index, ranks.activations[batch.slot]!.normed, ids, weights, batch.numTokens);
    const k = config.numExpertsPerToken;
    for (const [index, { onRouting, tokenIds }] of batch.segments.entries()) {
      const [first, end] = [batch.starts[index]! * k, (batch.starts[index]! + tokenIds.length) * k];
      onRouting?.(this.index, ids.subarray(first, end), weights.subarray(first, end));
    }
  }

  /** Which rank computes which parts of the MLP: a bit for each part, by rank. */
  private assign({ slot, numTokens }: MicroBatch): Int32Array {
    const { ranks, dispatcher, numParts, rankOfExpert } = this.context;
    const { experts, counts } = this.hasExperts ? dispatcher.routed(slot) : { experts: [], counts: [] };
    return assignParts({ experts, counts, rankOfExpert }, { numParts, width: this.partWidth, numTokens }, ranks.numRanks);
  }
}
