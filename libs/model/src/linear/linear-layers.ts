import { float32, Session } from '@ringmesh/onnx';
import { addScaled } from '@ringmesh/tensor';
import { attentionHeads, type ModelConfig } from '@ringmesh/weights';
import type { AttentionLayers, AttentionModule, AttentionOptions } from '../attention-layers.js';
import type { AttentionBatch } from '../parallel/attention-batch.js';
import type { SharedActivations } from '../parallel/shared-activations.js';
import { headsOf, type Part } from '../parts.js';
import { Decays, logDecays } from './decay.js';
import { LinearCore } from './linear-core.js';

/** Linear attention keeps a state [heads, D, D], however many tokens there are. */
export const linearModule: AttentionModule = {
  layerMemory({ numAttentionHeads, headDim }) {
    return { rowBytes: [], stateLength: numAttentionHeads * headDim ** 2 };
  },
  open: (options) => new LinearLayers(options),
  /** Ends the norm over all heads, of which every part has summed up its own squares. */
  join({ hiddenSize, numAttentionHeads, headDim, rmsNormEps }: ModelConfig, activations: SharedActivations, numTokens: number): void {
    const { hidden, attention, squares } = activations;
    for (let token = 0; token < numTokens; token++) {
      const sum = squares.reduce((total, ofPart) => total + ofPart[token]!, 0);
      const scale = 1 / Math.sqrt(sum / (numAttentionHeads * headDim) + rmsNormEps);
      for (const output of attention) addScaled(hidden, token * hiddenSize, output, token * hiddenSize, hiddenSize, scale); // [H]
    }
  },
};

/** What a thread has of one layer and one part. */
interface LayerPart {
  part: Part;
  attentionIn: Session;
  attentionDense: Session;
  decays: Decays;
}

class LinearLayers implements AttentionLayers {
  private readonly layers = new Map<number, LayerPart[]>();
  private readonly core: LinearCore;

  constructor(private readonly options: AttentionOptions) {
    const { config, parts } = options;
    const { count } = parts[0]!;
    this.core = new LinearCore({ ...headsOf(attentionHeads(config, 'linear'), { index: 0, count }), headDim: config.headDim });
  }

  open(layer: number): void {
    const { config, layout, parts } = this.options;
    const logs = logDecays(config, layer);
    const opened = parts.map((part) => {
      const { firstHead, numHeads } = headsOf(attentionHeads(config, 'linear'), part);
      return {
        part,
        attentionIn: Session.open(layout.layerGraph(layer, 'attention-in', part.index), ['projected', 'gate']),
        attentionDense: Session.open(layout.layerGraph(layer, 'attention-dense', part.index), ['output', 'squares']),
        decays: new Decays(logs.slice(firstHead, firstHead + numHeads)),
      };
    });
    this.layers.set(layer, opened);
  }

  run(layer: number, batch: AttentionBatch, activations: SharedActivations): void {
    const { config, profile } = this.options;
    const { numTokens } = batch;
    const hidden = float32(activations.hidden.subarray(0, numTokens * config.hiddenSize), [numTokens, config.hiddenSize]); // [T, H]
    for (const { part, attentionIn, attentionDense, decays } of this.layers.get(layer)!) {
      const { projected, gate } = attentionIn.run({ hidden }); // [T, (heads + 2 · KV heads) · D], [T, heads · D]
      profile?.mark('linear-attention-in');
      const attention = this.attend(layer, part, decays, batch, projected!.data as Float32Array); // [T, heads · D]
      profile?.mark('linear-attention');
      const dims = [numTokens, attention.length / numTokens];
      const { output, squares } = attentionDense.run({ attention: float32(attention, dims), gate: gate! });
      activations.attention[part.index]!.set(output!.data as Float32Array); // [T, H]
      activations.squares[part.index]!.set(squares!.data as Float32Array); // [T]
      profile?.mark('linear-attention-dense');
    }
  }

  close(): void {
    this.core.close();
    for (const { attentionIn, attentionDense } of [...this.layers.values()].flat()) {
      attentionIn.close();
      attentionDense.close();
    }
  }

  /** @param projected [T, (heads + 2 · KV heads) · D], overwritten @returns [T, heads · D] */
  private attend(layer: number, part: Part, decays: Decays, batch: AttentionBatch, projected: Float32Array): Float32Array {
    const { numHeads, headDim } = this.core.shape;
    if (this.options.config.linearRope === true) this.rotate(batch, projected);
    const outputWidth = numHeads * headDim;
    const width = projected.length / batch.numTokens;
    const [firstState, endState] = [part.index, part.index + 1].map((index) => index * numHeads * headDim ** 2);
    const attention = new Float32Array(batch.numTokens * outputWidth); // [T, heads · D]
    for (const { cache, start, numTokens } of batch.segments) {
      const rows = projected.subarray(start * width, (start + numTokens) * width); // [t, width]
      const state = cache.state(layer).subarray(firstState, endState); // [heads, D, D]
      const next = cache.nextStates(layer, numTokens).map((each) => each.subarray(firstState, endState)); // [heads, D, D] each
      attention.set(this.core.run(rows, numTokens, decays, state, next), start * outputWidth);
    }
    return attention;
  }

  /** Gives queries and keys their positions, in place. @param projected [T, (heads + 2 · KV heads) · D] */
  private rotate({ numTokens, angles }: AttentionBatch, projected: Float32Array): void {
    const { numHeads, numKeyValueHeads, headDim } = this.core.shape;
    const width = projected.length / numTokens;
    for (let token = 0; token < numTokens; token++) {
      for (let head = 0; head < numHeads + numKeyValueHeads; head++) {
        const at = token * width + head * headDim;
        this.options.rotary.rotate(projected, at, projected, at, angles, token);
      }
    }
  }
}
