/** What a sequence keeps for one layer: what each kind of attention decides for itself. */
export interface LayerMemory {
  /** Rows that every token adds (the key of one KV head, say): bytes of each, multiples of 4 in all. */
  rowBytes: readonly number[];
  /** Floats that do not grow with the tokens: a recurrent state. They are kept twice, so that a step that fails has changed nothing. */
  stateLength: number;
}

/** Versions of a state that are kept: that after the last step, and the one that the step at hand makes. */
const STATE_VERSIONS = 2;

/** Where the layers of a model keep what they keep of a sequence. */
export class CacheLayout {
  /** Of all layers. */
  readonly bytesPerToken: number;
  /** Of all layers, one version. */
  readonly stateFloats: number;
  private readonly rowsBefore: number[][] = []; // [layers][rows] bytes a token
  private readonly statesBefore: number[] = []; // [layers] floats

  constructor(readonly layers: readonly LayerMemory[]) {
    let [rows, states] = [0, 0];
    for (const { rowBytes, stateLength } of layers) {
      const before: number[] = [];
      for (const bytes of rowBytes) {
        before.push(rows);
        rows += bytes;
      }
      this.rowsBefore.push(before);
      this.statesBefore.push(states);
      states += stateLength;
    }
    this.bytesPerToken = rows;
    this.stateFloats = states;
  }

  /** Bytes of the rows of so many tokens. */
  bytesFor(numTokens: number): number {
    return numTokens * this.bytesPerToken;
  }

  /** Bytes of the states of one sequence, all versions (float32). */
  get stateBytes(): number {
    return STATE_VERSIONS * this.stateFloats * Float32Array.BYTES_PER_ELEMENT;
  }

  /** Where a token's row starts, in bytes, where there is room for `capacity` tokens: [layers, rows a token, capacity, row]. */
  rowOffset(layer: number, row: number, token: number, capacity: number): number {
    return this.rowsBefore[layer]![row]! * capacity + token * this.layers[layer]!.rowBytes[row]!;
  }

  /** Index of a layer's state in the states: [versions, layers, state]. */
  stateIndex(layer: number, version: number): number {
    return version * this.stateFloats + this.statesBefore[layer]!;
  }
}
