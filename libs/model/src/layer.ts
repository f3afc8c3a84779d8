import type { StepProfile } from '@ringmesh/core';
import type { Dispatcher } from '@ringmesh/dispatch';
import { float32, Session, type Tensor } from '@ringmesh/onnx';
import type { ModelConfig, PackLayout } from '@ringmesh/weights';
import type { MicroBatch } from './micro-batch.js';
import type { SoftmaxAttention } from './softmax-attention.js';

/** What the layers of a model have in common. */
export interface LayerContext {
  config: ModelConfig;
  layout: PackLayout;
  attention: SoftmaxAttention;
  dispatcher: Dispatcher;
  profile: StepProfile | undefined;
}

/**
 * One transformer layer. {@link start} does what the router does by itself and sends the rest to the experts; {@link finish} waits for
 * them. Between the two, another micro-batch may use the router.
 */
export class Layer {
  private readonly attentionIn: Session;
  private readonly attentionOut: Session;
  /** Shared experts, or the MLP of a dense layer; null where a layer has routed experts only. */
  private readonly localMlp: Session | null;
  private readonly hasExperts: boolean;

  constructor(
    private readonly index: number,
    private readonly context: LayerContext,
  ) {
    const { config, layout } = context;
    this.hasExperts = index >= config.firstKDenseReplace;
    const gateOutputs = this.hasExperts ? ['topkWeights', 'topkIds'] : [];
    this.attentionIn = Session.open(layout.layerGraph(index, 'attention-in'), ['hidden', 'query', 'key', 'value']);
    this.attentionOut = Session.open(layout.layerGraph(index, 'attention-out'), ['residual', 'normed', ...gateOutputs]);
    if (!this.hasExperts) this.localMlp = Session.open(layout.layerGraph(index, 'dense-mlp'), ['output']);
    else if (config.numSharedExperts > 0) this.localMlp = Session.open(layout.layerGraph(index, 'shared-experts'), ['output']);
    else this.localMlp = null;
  }

  /** Attention, gate, dispatch to the experts, and, while they work, the shared experts. */
  start(batch: MicroBatch): void {
    const { profile } = this.context;
    const shape = [batch.numTokens, this.context.config.hiddenSize];
    const { hidden, query, key, value } = this.attentionIn.run({
      residual: float32(batch.residual, shape), // [T, H]
      update: float32(batch.update, shape), // [T, H]
      positions: batch.positions, // [1, T]
    });
    profile?.mark('attention-in');
    const attention = this.context.attention.run(this.index, batch, { query: query!, key: key!, value: value! }); // [T, heads · D]
    profile?.mark('attention');
    const out = this.attentionOut.run({
      attention: float32(attention, [batch.numTokens, attention.length / batch.numTokens]),
      hidden: hidden!, // [T, H]
    });
    profile?.mark('attention-out');
    batch.residual = out['residual']!.data as Float32Array; // [T, H]
    if (this.hasExperts) this.dispatch(batch, out);
    profile?.mark('dispatch');
    const normed = out['normed']!; // [T, H]
    const local = this.localMlp?.run({ hidden: normed })['output']!.data as Float32Array | undefined;
    batch.update = local ?? new Float32Array(batch.residual.length); // [T, H]
    profile?.mark('shared-experts');
  }

  /** Waits for the experts and adds their partial sums to the update. */
  finish(batch: MicroBatch): void {
    if (this.hasExperts) this.context.dispatcher.combine(batch.slot, batch.update);
    this.context.profile?.mark('combine');
  }

  close(): void {
    for (const session of [this.attentionIn, this.attentionOut, this.localMlp]) session?.close();
  }

  private dispatch(batch: MicroBatch, { normed, topkIds, topkWeights }: Record<string, Tensor>): void {
    const ids = topkIds!.data as BigInt64Array; // [T, k]
    const weights = topkWeights!.data as Float32Array; // [T, k]
    this.context.dispatcher.dispatch(batch.slot, this.index, normed!.data as Float32Array, ids, weights, batch.numTokens);
    const k = this.context.config.numExpertsPerToken;
    for (const [index, { onRouting, tokenIds }] of batch.segments.entries()) {
      const [first, end] = [batch.starts[index]! * k, (batch.starts[index]! + tokenIds.length) * k];
      onRouting?.(this.index, ids.subarray(first, end), weights.subarray(first, end));
    }
  }
}
