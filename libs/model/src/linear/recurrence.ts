import { instantiate } from '@ringmesh/kernels';
import { kernelLayout, recurrenceKernel } from './recurrence-kernel.js';

/** Where one head's query, key and value [D] lie in a token's projections, and its output in the attention. */
export interface HeadOffsets {
  query: number;
  key: number;
  value: number;
  output: number;
}

/**
 * The recurrence of linear attention, one token of one head at a time: the state is copied into the kernel's memory, which a processor's
 * cache holds, and from there to where the next one belongs. So a token costs little more than to read its states once and write them once.
 */
export class Recurrence {
  private readonly recur: (decay: number) => void;
  private readonly query: Float32Array; // [padded D]
  private readonly key: Float32Array; // [padded D]
  private readonly value: Float32Array; // [padded D]
  private readonly output: Float32Array; // [padded D]
  private readonly state: Float32Array; // [padded D, padded D]
  /** D, up to a multiple of what the kernel takes at a time. */
  private readonly padded: number;
  private readonly scale: number;

  constructor(private readonly headDim: number) {
    this.padded = Math.ceil(headDim / 4) * 4;
    this.scale = 1 / Math.sqrt(headDim);
    const layout = kernelLayout(this.padded);
    const memory = new WebAssembly.Memory({ initial: layout.pages });
    this.recur = instantiate(recurrenceKernel(this.padded), { memory })['recur']!;
    const row = (address: number): Float32Array => new Float32Array(memory.buffer, address, this.padded);
    this.query = row(layout.query);
    this.key = row(layout.key);
    this.value = row(layout.value);
    this.output = row(layout.output);
    this.state = new Float32Array(memory.buffer, layout.state, this.padded ** 2);
  }

  /**
   * next = decay · state + key valueᵀ; output = D^−0.5 · nextᵀ query.
   * @param projected the token's queries, keys and values @param state [D, D] by key, then value @param next [D, D], may be `state`
   * @param attention takes the output
   */
  token(projected: Float32Array, at: HeadOffsets, decay: number, state: Float32Array, next: Float32Array, attention: Float32Array): void {
    const { headDim, query, scale } = this;
    for (let i = 0; i < headDim; i++) query[i] = projected[at.query + i]! * scale;
    this.key.set(projected.subarray(at.key, at.key + headDim));
    this.value.set(projected.subarray(at.value, at.value + headDim));
    this.output.fill(0);
    // What lies beside the state would keep the NaN of one sequence for all others.
    if (headDim !== this.padded) this.state.fill(0);
    this.copyState(state, headDim, this.state, this.padded);
    this.recur(decay);
    this.copyState(this.state, this.padded, next, headDim);
    attention.set(headDim === this.padded ? this.output : this.output.subarray(0, headDim), at.output);
  }

  /** @param sourceWidth floats from row to row */
  private copyState(source: Float32Array, sourceWidth: number, target: Float32Array, targetWidth: number): void {
    if (sourceWidth === targetWidth) {
      target.set(source);
      return;
    }
    for (let row = 0; row < this.headDim; row++) {
      target.set(source.subarray(row * sourceWidth, row * sourceWidth + this.headDim), row * targetWidth);
    }
  }
}
