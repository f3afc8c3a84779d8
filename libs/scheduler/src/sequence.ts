/** The KV-cache memory of one sequence, as far as scheduling is concerned. */
export interface SequenceMemory {
  /** Makes room for this many tokens more than are stored. @returns false, with nothing changed, where the limit forbids it */
  reserve(numTokens: number): boolean;
  /** Gives everything back. */
  release(): void;
}

/** Where sequences get their memory from. */
export interface MemoryPool<M extends SequenceMemory> {
  /** Memory of a new sequence; it holds nothing until it reserves. */
  open(): M;
}

/** A prompt and what was generated after it. */
export class Sequence<M extends SequenceMemory> {
  /** The prompt, then the emitted tokens. */
  readonly tokenIds: number[];
  /** Leading tokens whose keys and values are stored. */
  numComputed = 0;
  /** Present while the sequence runs. */
  memory: M | null = null;

  constructor(
    readonly id: string,
    promptIds: readonly number[],
  ) {
    this.tokenIds = [...promptIds];
  }

  /** Tokens still to be computed before the next one can be sampled: 1 in decode, more in prefill. */
  get numPending(): number {
    return this.tokenIds.length - this.numComputed;
  }
}
