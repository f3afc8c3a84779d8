import type { BlockMemory } from './block-memory.js';
import { BLOCK_TOKENS, type CacheLayout } from './cache-layout.js';

/** What one sequence keeps, in memory that all compute threads share: plain data for them. */
export interface CacheMemory {
  /** The blocks of its tokens, in order. */
  blockTable: Int32Array; // [blocks]
  /** Tokens whose rows are stored for every layer, and that the states are after. */
  length: number;
  states: SharedArrayBuffer;
  /** Which of the states' versions is that after `length` tokens. The step at hand writes others. */
  stateVersion: number;
  stateVersions: number;
}

/** Tokens of one block. */
export interface BlockSpan {
  first: number;
  end: number;
}

/** Where the blocks of a row are in a memory, in bytes. */
export interface RowAddress {
  start: number;
  /** From one block to the next. */
  blockBytes: number;
}

/** How many versions of the states a step of so many tokens makes. */
export function stateSteps(numTokens: number, stateVersions: number): number {
  return numTokens < stateVersions ? numTokens : 1;
}

/** The `count`-th version that a step makes: the first ones that it does not start from, so that few are used, and a processor's cache has them. */
export function versionAfter(start: number, count: number): number {
  return count <= start ? count - 1 : count;
}

/** Reads and writes what one sequence keeps, on whichever thread. It neither reserves memory nor counts tokens. */
export class CacheView {
  constructor(
    readonly layout: CacheLayout,
    private readonly blocks: BlockMemory,
    private readonly memory: CacheMemory,
  ) {}

  /** Which of the memories the block of a token is in. */
  memoryOf(token: number): number {
    return Math.floor(this.blockOf(token) / this.blocks.blocksPerMemory);
  }

  /** The how-manieth that block is there. */
  slotOf(token: number): number {
    return this.blockOf(token) % this.blocks.blocksPerMemory;
  }

  /** Where one of a layer's rows is in each memory, in bytes. */
  rowAddress(layer: number, row: number): RowAddress {
    const { layout, blocks } = this;
    return {
      start: layout.rowStart(layer, row, blocks.blocksPerMemory),
      blockBytes: BLOCK_TOKENS * layout.layers[layer]!.rowBytes[row]!,
    };
  }

  /** Tokens `first` to `end`, block by block. */
  *spans(first: number, end: number): Generator<BlockSpan> {
    for (let token = first; token < end;) {
      const next = Math.min(end, token - (token % BLOCK_TOKENS) + BLOCK_TOKENS);
      yield { first: token, end: next };
      token = next;
    }
  }

  /** One of a layer's rows, some tokens of a block, as a view to read or to write: whoever stores new tokens counts them afterwards. */
  bytes(layer: number, row: number, { first, end }: BlockSpan): Int8Array {
    const { buffer } = this.blocks.memories[this.memoryOf(first)]!;
    const rowBytes = this.layout.layers[layer]!.rowBytes[row]!;
    const { start, blockBytes } = this.rowAddress(layer, row);
    const address = start + this.slotOf(first) * blockBytes + (first % BLOCK_TOKENS) * rowBytes;
    return new Int8Array(buffer, address, (end - first) * rowBytes); // [end − first, row]
  }

  /** The same of a row of floats. */
  floats(layer: number, row: number, span: BlockSpan): Float32Array {
    const { buffer, byteOffset, length } = this.bytes(layer, row, span);
    return new Float32Array(buffer, byteOffset, length / Float32Array.BYTES_PER_ELEMENT); // [end − first, row]
  }

  /** A layer's state after the last step; nothing writes it. Zeros before the first token. */
  state(layer: number): Float32Array {
    return this.stateOf(layer, this.memory.stateVersion);
  }

  /**
   * Where a step of so many tokens puts a layer's states: that after each of them where they are few enough for the versions, else that after the
   * last. They count once the tokens are counted: until then a step can be computed again.
   */
  nextStates(layer: number, numTokens: number): Float32Array[] {
    const { stateVersion, stateVersions } = this.memory;
    const count = stateSteps(numTokens, stateVersions);
    return Array.from({ length: count }, (_, index) => this.stateOf(layer, versionAfter(stateVersion, index + 1)));
  }

  private blockOf(token: number): number {
    return this.memory.blockTable[Math.floor(token / BLOCK_TOKENS)]!;
  }

  private stateOf(layer: number, version: number): Float32Array {
    const start = this.layout.stateIndex(layer, version);
    return new Float32Array(this.memory.states, start * Float32Array.BYTES_PER_ELEMENT, this.layout.layers[layer]!.stateLength);
  }
}
