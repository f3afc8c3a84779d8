/** Sizes that all sequences of a model share. */
export interface KvCacheShape {
  numLayers: number;
  numKeyValueHeads: number;
  /** D */
  headDim: number;
}

/**
 * Where the keys and values of one sequence lie: [layers, 2 (keys, values), KV heads, capacity, D] in memory that all compute threads share.
 * The rows of one head are contiguous, so the attention core reads them as views, without a copy.
 */
export interface CacheMemory {
  buffer: SharedArrayBuffer;
  /** Tokens that there is room for. */
  capacity: number;
  /** Tokens whose keys and values are stored for every layer. */
  length: number;
}

const [KEYS, VALUES] = [0, 1] as const;

/** Bytes of so many tokens (float32). */
export function cacheBytes({ numLayers, numKeyValueHeads, headDim }: KvCacheShape, numTokens: number): number {
  return numTokens * numLayers * 2 * numKeyValueHeads * headDim * Float32Array.BYTES_PER_ELEMENT;
}

/** Reads and writes the cache of one sequence, on whichever thread. It neither reserves memory nor counts tokens. */
export class CacheView {
  constructor(
    private readonly shape: KvCacheShape,
    private readonly memory: CacheMemory,
  ) {}

  /** Keys of one head, tokens `first` to `end`, as a view to read or to write: whoever stores new tokens counts them afterwards. */
  keys(layer: number, head: number, first: number, end: number): Float32Array {
    return this.rows(layer, KEYS, head, first, end); // [end − first, D]
  }

  /** Values of one head, as {@link keys}. */
  values(layer: number, head: number, first: number, end: number): Float32Array {
    return this.rows(layer, VALUES, head, first, end); // [end − first, D]
  }

  /** Copies what another cache has stored. */
  copyFrom(other: CacheView): void {
    const { numLayers, numKeyValueHeads } = this.shape;
    const { length } = other.memory;
    for (let layer = 0; layer < numLayers; layer++) {
      for (let head = 0; head < numKeyValueHeads; head++) {
        this.keys(layer, head, 0, length).set(other.keys(layer, head, 0, length));
        this.values(layer, head, 0, length).set(other.values(layer, head, 0, length));
      }
    }
  }

  private rows(layer: number, side: typeof KEYS | typeof VALUES, head: number, first: number, end: number): Float32Array {
    const { buffer, capacity } = this.memory;
    const { numKeyValueHeads, headDim } = this.shape;
    const row = ((layer * 2 + side) * numKeyValueHeads + head) * capacity + first;
    return new Float32Array(buffer, row * headDim * Float32Array.BYTES_PER_ELEMENT, (end - first) * headDim); // [end − first, D]
  }
}
