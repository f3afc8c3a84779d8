import { float32, Session } from '@ringmesh/onnx';
import { addScaled } from '@ringmesh/tensor';
import type { ModelConfig } from '@ringmesh/weights';
import type { AttentionLayers, AttentionModule, AttentionOptions } from '../attention-layers.js';
import type { AttentionBatch } from '../parallel/attention-batch.js';
import type { SharedActivations } from '../parallel/shared-activations.js';
import { headsOf } from '../parts.js';
import { KEY_VALUE_FORMATS } from './key-value-format.js';
import { SoftmaxAttention } from './softmax-attention.js';

/** Softmax attention keeps the keys and values of every token. */
export const softmaxModule: AttentionModule = {
  layerMemory({ numKeyValueHeads, headDim }, dtype) {
    const ofEach = KEY_VALUE_FORMATS[dtype].rowBytes(headDim);
    return { rowBytes: ofEach.flatMap((bytes) => Array<number>(2 * numKeyValueHeads).fill(bytes)), stateLength: 0 };
  },
  open: (options) => new SoftmaxLayers(options),
  join({ hiddenSize }: ModelConfig, { hidden, attention }: SharedActivations, numTokens: number): void {
    for (const output of attention) addScaled(hidden, 0, output, 0, numTokens * hiddenSize, 1); // [T, H]
  },
};

/** The graphs of one layer; by part, undefined where a part is another rank's. */
interface LayerGraphs {
  attentionIn: (Session | undefined)[]; // [P]
  attentionDense: (Session | undefined)[]; // [P]
}

class SoftmaxLayers implements AttentionLayers {
  private readonly layers = new Map<number, LayerGraphs>();
  private readonly core: SoftmaxAttention;

  constructor(private readonly options: AttentionOptions) {
    const { config, parts, rotary, kvCacheDtype, blocks } = options;
    const { count } = parts[0]!;
    this.core = new SoftmaxAttention({
      shape: { ...headsOf(config, { index: 0, count }), headDim: config.headDim },
      totalKeyValueHeads: config.numKeyValueHeads,
      rotary,
      format: KEY_VALUE_FORMATS[kvCacheDtype],
      blocks,
    });
  }

  open(layer: number): void {
    const { layout, parts } = this.options;
    const graphs: LayerGraphs = { attentionIn: [], attentionDense: [] };
    for (const { index } of parts) {
      graphs.attentionIn[index] = Session.open(layout.layerGraph(layer, 'attention-in', index), ['projected']);
      graphs.attentionDense[index] = Session.open(layout.layerGraph(layer, 'attention-dense', index), ['output']);
    }
    this.layers.set(layer, graphs);
  }

  run(layer: number, batch: AttentionBatch, activations: SharedActivations): void {
    const { config, parts, profile } = this.options;
    const { attentionIn, attentionDense } = this.layers.get(layer)!;
    const { numTokens } = batch;
    const hidden = float32(activations.hidden.subarray(0, numTokens * config.hiddenSize), [numTokens, config.hiddenSize]); // [T, H]
    for (const part of parts) {
      const projected = attentionIn[part.index]!.run({ hidden })['projected']!.data as Float32Array; // [T, (heads + 2 · KV heads) · D]
      profile?.mark('attention-in');
      const { firstKeyValueHead } = headsOf(config, part);
      const attention = this.core.run(layer, firstKeyValueHead, batch, projected); // [T, heads · D]
      profile?.mark('attention');
      const dims = [numTokens, attention.length / numTokens];
      const { output } = attentionDense[part.index]!.run({ attention: float32(attention, dims) });
      activations.attention[part.index]!.set(output!.data as Float32Array); // [T, H]
      profile?.mark('attention-dense');
    }
  }

  close(): void {
    this.core.close();
    for (const { attentionIn, attentionDense } of this.layers.values()) {
      for (const session of [...attentionIn, ...attentionDense]) session?.close();
    }
  }
}
