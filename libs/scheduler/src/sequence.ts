/** The KV-cache memory of one sequence, as far as scheduling is concerned. */
export interface SequenceMemory {
  /** Tokens that are stored: of a sequence that begins like another one, more than none at once. */
  readonly length: number;
  /** Makes room for this many tokens more than are stored. @returns false, with nothing changed, where the limit forbids it */
  reserve(numTokens: number): boolean;
  /** How many tokens, at most `numTokens` of `numPending` that are left, the next chunk had best be: at least one. */
  chunkOf(numTokens: number, numPending: number): number;
  /** Gives everything back. */
  release(): void;
}

/** Where sequences get their memory from. */
export interface MemoryPool<M extends SequenceMemory> {
  /** Memory of a new sequence: of its tokens, but for the last, those that are stored already are there. */
  open(sequence: { tokenIds: readonly number[]; cacheSalt: string | null; numShareable: number }): M;
}

/** When a sequence's turn comes, and until when it is worth having. */
export interface Turn {
  /** Lower is sooner, as in vLLM; 0 unless given. */
  priority?: number | undefined;
  /** Whose it is; sequences of equal priority take turns by tenant. Empty unless given. */
  tenant?: string | undefined;
  /** What the tenant gets beside others: with 2, twice the tokens of one with 1; 1 unless given. */
  weight?: number | undefined;
  /** In seconds, on the clock that the scheduler is told; never unless given. */
  deadline?: number | undefined;
}

/** A prompt and what was generated after it. */
export class Sequence<M extends SequenceMemory> {
  readonly priority: number;
  readonly tenant: string;
  readonly weight: number;
  readonly deadline: number;
  readonly numPromptTokens: number;
  /** The prompt, then the emitted tokens. */
  readonly tokenIds: number[];
  /** Leading tokens whose keys and values are stored. */
  numComputed = 0;
  /** Present while the sequence runs. */
  memory: M | null = null;
  /** Its place in the order in which sequences were first admitted, which it keeps when it is preempted; null before. */
  admission: number | null = null;

  constructor(
    readonly id: string,
    promptIds: readonly number[],
    { priority = 0, tenant = '', weight = 1, deadline = Infinity }: Turn = {},
    /** Sequences that begin with the same tokens, and have the same salt, share their memory; null: it shares with none. */
    readonly cacheSalt: string | null = null,
    /** Leading tokens of which it shares memory at most. */
    readonly numShareable = Infinity,
  ) {
    this.numPromptTokens = promptIds.length;
    this.tokenIds = [...promptIds];
    this.priority = priority;
    this.tenant = tenant;
    this.weight = weight;
    this.deadline = deadline;
  }

  /** Tokens still to be computed before the next one can be sampled: 1 in decode, more in prefill. */
  get numPending(): number {
    return this.tokenIds.length - this.numComputed;
  }

  /**
   * Whether it computes one token a step. With a granularity above 1, what was emitted before a preemption is computed again as it was the first
   * time.
   */
  isDecoding(granularity: number): boolean {
    return this.numPending === 1 || (granularity > 1 && this.numComputed >= this.numPromptTokens);
  }

  /**
   * How many of `numTokens` more tokens a running sequence had best compute in one step.
   * @param granularity above 1, a chunk ends at multiples of it or with the prompt: none where that is too far
   */
  chunkOf(numTokens: number, granularity: number): number {
    if (this.isDecoding(granularity)) return 1;
    const chunk = this.memory!.chunkOf(numTokens, this.numPending);
    if (granularity === 1) return chunk;
    const end = this.numComputed + chunk;
    return end < this.numPromptTokens ? Math.max(0, chunk - (end % granularity)) : this.numPromptTokens - this.numComputed;
  }

  /** Of two that were admitted: whether this one is to give way to the other, being less urgent, or as urgent and younger. */
  givesWayTo(other: Sequence<M>): boolean {
    return this.priority === other.priority ? this.admission! > other.admission! : this.priority > other.priority;
  }
}
