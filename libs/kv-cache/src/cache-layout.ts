/** Tokens of a block: what memory is taken in. */
export const BLOCK_TOKENS = 64;

/** What a sequence keeps for one layer: what each kind of attention decides for itself. */
export interface LayerMemory {
  /** Rows that every token adds (the key of one KV head, say): bytes of each, multiples of 4 in all. */
  rowBytes: readonly number[];
  /** Floats that do not grow with the tokens: a recurrent state. */
  stateLength: number;
}

/** Where the layers of a model keep what they keep of a sequence: rows in blocks of {@link BLOCK_TOKENS} tokens, states beside them. */
export class CacheLayout {
  /** Of all layers. */
  readonly bytesPerToken: number;
  /** Of all layers, one version. */
  readonly stateFloats: number;
  private readonly rowsBefore: number[][] = []; // [layers][rows] bytes a token
  private readonly statesBefore: number[] = []; // [layers] floats

  /** @param numDrafts tokens at the end of a step, at most, that may turn out not to be the sequence's */
  constructor(
    readonly layers: readonly LayerMemory[],
    private readonly numDrafts = 0,
  ) {
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

  /** Of a block, all layers. */
  get blockBytes(): number {
    return this.bytesFor(BLOCK_TOKENS);
  }

  /**
   * Versions of a state that are kept: that after the last step, so that a step that fails has changed nothing, and those that the step at hand
   * makes: after its last token, and after each before it that may turn out to be the last.
   */
  get stateVersions(): number {
    return 2 + this.numDrafts;
  }

  /** Bytes of the states of one sequence, all versions (float32). */
  get stateBytes(): number {
    return this.stateVersions * this.snapshotBytes;
  }

  /** Bytes of one version of the states. */
  get snapshotBytes(): number {
    return this.stateFloats * Float32Array.BYTES_PER_ELEMENT;
  }

  /** Bytes that a sequence of this length takes, with its states. */
  sequenceBytes(numTokens: number): number {
    return this.stateBytes + numBlocks(numTokens) * this.blockBytes;
  }

  /** Tokens that a sequence can have where nobody else takes any of so many bytes. */
  maxSequenceTokens(byteLimit: number): number {
    return Math.max(0, Math.floor((byteLimit - this.stateBytes) / this.blockBytes)) * BLOCK_TOKENS;
  }

  /** Where one of a layer's rows starts in a memory of so many blocks, in bytes: [layers, rows a token, blocks, block tokens, row]. */
  rowStart(layer: number, row: number, blocksPerMemory: number): number {
    return blocksPerMemory * BLOCK_TOKENS * this.rowsBefore[layer]![row]!;
  }

  /** Index of a layer's state in the states: [versions, layers, state]. */
  stateIndex(layer: number, version: number): number {
    return version * this.stateFloats + this.statesBefore[layer]!;
  }
}

/** Blocks that so many tokens take. */
export function numBlocks(numTokens: number): number {
  return Math.ceil(numTokens / BLOCK_TOKENS);
}
