/** Something that may go when memory is short. */
interface Idle<T> {
  value: T;
  /** When it was last wanted. */
  at: number;
}

/**
 * What later sequences may begin with: blocks and states by the name of the tokens up to their end ({@link PrefixHash}). Blocks that sequences hold
 * stay; of the others, and of states, which are copies, what was not wanted for the longest time goes first. Pure bookkeeping.
 */
export class PrefixCache {
  private readonly blocks = new Map<string, number>();
  private readonly names = new Map<number, string>(); // of blocks
  /** Blocks that no sequence holds, oldest first. */
  private readonly idle = new Map<number, Idle<null>>();
  /** Oldest first. */
  private readonly states = new Map<string, Idle<Float32Array>>();
  private clock = 0;

  constructor(
    private readonly blockBytes: number,
    private readonly stateBytes: number,
  ) {}

  /** Of all that may go. */
  get idleBytes(): number {
    return this.idle.size * this.blockBytes + this.states.size * this.stateBytes;
  }

  blockOf(name: string): number | undefined {
    return this.blocks.get(name);
  }

  /** The states after the tokens of that name, which are wanted now. */
  statesOf(name: string): Float32Array | undefined {
    const found = this.states.get(name);
    if (found !== undefined) this.keepStates(name, found.value);
    return found?.value;
  }

  hasStates(name: string): boolean {
    return this.states.has(name);
  }

  /** Names a block that a sequence holds; of two with the same tokens, the first is kept. */
  keepBlock(name: string, block: number): void {
    if (this.blocks.has(name)) return;
    this.blocks.set(name, block);
    this.names.set(block, name);
  }

  keepStates(name: string, states: Float32Array): void {
    this.states.delete(name);
    this.states.set(name, { value: states, at: this.clock++ });
  }

  dropStates(name: string): void {
    this.states.delete(name);
  }

  /** A sequence holds a block that nobody held. */
  wake(block: number): void {
    this.idle.delete(block);
  }

  /** Nobody holds a block any more. @returns whether it is kept */
  rest(block: number): boolean {
    if (!this.names.has(block)) return false;
    this.idle.set(block, { value: null, at: this.clock++ });
    return true;
  }

  /** Lets go of what was not wanted for the longest time. @returns the block that is free now, null where it was states */
  evict(): number | null {
    const [block, { at: blockAt }] = first(this.idle) ?? [null, { at: Infinity }];
    const [states, { at: statesAt }] = first(this.states) ?? [null, { at: Infinity }];
    if (block === null || statesAt < blockAt) {
      if (states !== null) this.states.delete(states);
      return null;
    }
    this.idle.delete(block);
    this.blocks.delete(this.names.get(block)!);
    this.names.delete(block);
    return block;
  }
}

function first<K, V>(map: Map<K, V>): [K, V] | undefined {
  return map.entries().next().value;
}
