/** What a sequence keeps for one layer: what each kind of attention decides for itself. */
export interface LayerMemory {
  /** Rows that every token adds (the keys and values of each KV head, say), and floats of each. */
  rowsPerToken: number;
  rowLength: number;
  /** Floats that do not grow with the tokens: a recurrent state. They are kept twice, so that a step that fails has changed nothing. */
  stateLength: number;
}

/** Versions of a state that are kept: that after the last step, and the one that the step at hand makes. */
const STATE_VERSIONS = 2;

/** Where the layers of a model keep what they keep of a sequence. */
export class CacheLayout {
  /** Of all layers. */
  readonly floatsPerToken: number;
  /** Of all layers, one version. */
  readonly stateFloats: number;
  private readonly rowsBefore: number[] = []; // [layers] floats a token
  private readonly statesBefore: number[] = []; // [layers] floats

  constructor(readonly layers: readonly LayerMemory[]) {
    let [rows, states] = [0, 0];
    for (const { rowsPerToken, rowLength, stateLength } of layers) {
      this.rowsBefore.push(rows);
      this.statesBefore.push(states);
      rows += rowsPerToken * rowLength;
      states += stateLength;
    }
    this.floatsPerToken = rows;
    this.stateFloats = states;
  }

  /** Bytes of the rows of so many tokens (float32). */
  bytesFor(numTokens: number): number {
    return numTokens * this.floatsPerToken * Float32Array.BYTES_PER_ELEMENT;
  }

  /** Bytes of the states of one sequence, all versions (float32). */
  get stateBytes(): number {
    return STATE_VERSIONS * this.stateFloats * Float32Array.BYTES_PER_ELEMENT;
  }

  /** Index of a float in the rows, where there is room for `capacity` tokens: [layers, rows a token, capacity, row]. */
  rowIndex(layer: number, row: number, token: number, capacity: number): number {
    return this.rowsBefore[layer]! * capacity + (row * capacity + token) * this.layers[layer]!.rowLength;
  }

  /** Index of a layer's state in the states: [versions, layers, state]. */
  stateIndex(layer: number, version: number): number {
    return version * this.stateFloats + this.statesBefore[layer]!;
  }
}
