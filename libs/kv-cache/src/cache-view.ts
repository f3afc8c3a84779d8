import type { CacheLayout } from './cache-layout.js';

/**
 * Where what a sequence keeps lies, in memory that all compute threads share. The rows of one KV head are contiguous, so the attention core
 * reads them as views, without a copy.
 */
export interface CacheMemory {
  rows: SharedArrayBuffer;
  /** Tokens that there is room for. */
  capacity: number;
  /** Tokens whose rows are stored for every layer, and that the states are after. */
  length: number;
  states: SharedArrayBuffer;
  /** Which of the states' versions is that after `length` tokens. The step at hand writes the other one. */
  stateVersion: 0 | 1;
}

/** Reads and writes what one sequence keeps, on whichever thread. It neither reserves memory nor counts tokens. */
export class CacheView {
  constructor(
    private readonly layout: CacheLayout,
    private readonly memory: CacheMemory,
  ) {}

  /** One of a layer's rows, tokens `first` to `end`, as a view to read or to write: whoever stores new tokens counts them afterwards. */
  floats(layer: number, row: number, first: number, end: number): Float32Array {
    const bytes = this.bytes(layer, row, first, end);
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / Float32Array.BYTES_PER_ELEMENT); // [end − first, row]
  }

  /** The same of a row that is kept as bytes. */
  bytes(layer: number, row: number, first: number, end: number): Int8Array {
    const { rows, capacity } = this.memory;
    const start = this.layout.rowOffset(layer, row, first, capacity);
    return new Int8Array(rows, start, (end - first) * this.layout.layers[layer]!.rowBytes[row]!); // [end − first, row]
  }

  /** A layer's state after the last step; nothing writes it. Zeros before the first token. */
  state(layer: number): Float32Array {
    return this.stateOf(layer, this.memory.stateVersion);
  }

  /** Where the step at hand puts a layer's state. It counts once the tokens are counted: until then a step can be computed again. */
  nextState(layer: number): Float32Array {
    return this.stateOf(layer, 1 - this.memory.stateVersion);
  }

  /** Copies the rows that another cache has stored. */
  copyRows(other: CacheView): void {
    const { length } = other.memory;
    for (const [layer, { rowBytes }] of this.layout.layers.entries()) {
      for (let row = 0; row < rowBytes.length; row++) this.bytes(layer, row, 0, length).set(other.bytes(layer, row, 0, length));
    }
  }

  private stateOf(layer: number, version: number): Float32Array {
    const start = this.layout.stateIndex(layer, version);
    return new Float32Array(this.memory.states, start * Float32Array.BYTES_PER_ELEMENT, this.layout.layers[layer]!.stateLength);
  }
}
