/** The KV-cache memory of one sequence, as far as scheduling is concerned. */
export interface SequenceMemory {
  /** Tokens that are stored: of a sequence that begins like another one, more than none at once. */
  readonly length: number;
  /** Makes room for this many tokens more than are stored. @returns false, with nothing changed, where the limit forbids it */
  reserve(numTokens: number): boolean;
  /** How many of `numTokens` more tokens the next chunk had best be: at least one. */
  chunkOf(numTokens: number): number;
  /** Gives everything back. */
  release(): void;
}

/** Where sequences get their memory from. */
export interface MemoryPool<M extends SequenceMemory> {
  /** Memory of a new sequence: of its tokens, but for the last, those that are stored already are there. */
  open(sequence: { tokenIds: readonly number[]; cacheSalt: string | null }): M;
}

/** A prompt and what was generated after it. */
export class Sequence<M extends SequenceMemory> {
  /** The prompt, then the emitted tokens. */
  readonly tokenIds: number[];
  /** Leading tokens whose keys and values are stored. */
  numComputed = 0;
  /** Present while the sequence runs. */
  memory: M | null = null;

  /** @param cacheSalt sequences that begin with the same tokens, and have the same salt, share their memory; null: it shares with none */
  constructor(
    readonly id: string,
    promptIds: readonly number[],
    readonly cacheSalt: string | null,
  ) {
    this.tokenIds = [...promptIds];
  }

  /** Tokens still to be computed before the next one can be sampled: 1 in decode, more in prefill. */
  get numPending(): number {
    return this.tokenIds.length - this.numComputed;
  }
}
