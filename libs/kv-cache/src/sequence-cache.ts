import { BLOCK_TOKENS, numBlocks } from './cache-layout.js';
import { type CacheMemory, stateSteps, versionAfter } from './cache-view.js';
import type { KvCachePool } from './kv-cache-pool.js';
import type { PrefixHash } from './prefix-hash.js';

const EMPTY: CacheMemory = {
  blockTable: new Int32Array(0),
  length: 0,
  states: new SharedArrayBuffer(0),
  stateVersion: 0,
  stateVersions: 0,
};

/** What one sequence keeps, and what it holds of the pool's limit. */
export class SequenceCache {
  /** As it is now; plain data for the compute threads. */
  memory: CacheMemory = EMPTY;
  /** The block whose states were kept last while the sequence decoded. */
  private decodedStates: string | null = null;
  /** Tokens of the prompt, once a chunk of it was asked for. */
  private promptLength = 0;
  /** The version of the states that the last step started from, and how many of those that it made count. */
  private step = { startVersion: 0, versions: 0 };

  /** @param hash null: the sequence shares nothing @param numShareable leading tokens that it shares at most */
  constructor(
    private readonly pool: KvCachePool,
    private readonly hash: PrefixHash | null,
    private readonly numShareable = Infinity,
  ) {}

  /** Tokens that are stored. */
  get length(): number {
    return this.memory.length;
  }

  /** Starts with what others computed of the same tokens. @param states after them, null where there are none; copied */
  begin(tokenIds: readonly number[], blocks: readonly number[], states: Float32Array | null): void {
    this.hash!.push(tokenIds);
    this.memory = { ...EMPTY, ...this.newStates(), blockTable: Int32Array.from(blocks), length: tokenIds.length };
    if (states !== null) new Float32Array(this.memory.states).set(states);
  }

  /** Makes room for `numTokens` more tokens. @returns false, with nothing changed, where the pool's limit forbids it */
  reserve(numTokens: number): boolean {
    const { blockTable } = this.memory;
    const missing = numBlocks(this.length + numTokens) - blockTable.length;
    if (missing <= 0) return true;
    const taken = this.pool.takeBlocks(missing, this.isOpen ? 0 : this.pool.layout.stateBytes);
    if (taken === null) return false;
    const opened = this.isOpen ? this.memory : { ...EMPTY, ...this.newStates() };
    this.memory = { ...opened, blockTable: Int32Array.from([...blockTable, ...taken]) };
    return true;
  }

  /**
   * Tokens of the next chunk, at most `numTokens` of `numPending` that are left. States are kept for others where a block ends, so a chunk ends there
   * as far as it can; and with the last token none does, as whoever sends the same tokens again has to compute that one.
   */
  chunkOf(numTokens: number, numPending: number): number {
    if (this.hash === null || this.pool.layout.stateBytes === 0) return numTokens;
    this.promptLength = this.length + numPending;
    const lastEnd = this.length + Math.min(numTokens, numPending - 1);
    const blockEnd = lastEnd - (lastEnd % BLOCK_TOKENS);
    return blockEnd > this.length ? blockEnd - this.length : numTokens;
  }

  /** Counts appended tokens as stored, after every layer has appended them, and the states that were made with them. */
  advance(tokenIds: ArrayLike<number>): void {
    const { stateVersion, stateVersions } = this.memory;
    this.step = { startVersion: stateVersion, versions: stateSteps(tokenIds.length, stateVersions) };
    this.count(tokenIds);
  }

  /** Counts the next draft of the step, which came true, after its other tokens. */
  accept(draftId: number): void {
    this.step.versions++;
    this.count([draftId]);
  }

  /** Gives back what was reserved for more than so many tokens, of which none is stored. */
  trim(numTokens: number): void {
    const { blockTable } = this.memory;
    const count = numBlocks(numTokens);
    if (blockTable.length <= count) return;
    this.memory = { ...this.memory, blockTable: blockTable.slice(0, count) };
    this.pool.release([...blockTable.subarray(count)]);
  }

  /** Forgets everything and gives the memory back. */
  release(): void {
    if (this.isOpen) this.pool.release([...this.memory.blockTable], this.pool.layout.stateBytes);
    this.memory = EMPTY;
  }

  private count(tokenIds: ArrayLike<number>): void {
    const { length } = this.memory;
    const stateVersion = versionAfter(this.step.startVersion, this.step.versions);
    this.memory = { ...this.memory, length: length + tokenIds.length, stateVersion };
    if (this.hash === null) return;
    const firstBlock = Math.floor(length / BLOCK_TOKENS);
    const names = this.hash.push(tokenIds).filter((_, index) => (firstBlock + index + 1) * BLOCK_TOKENS <= this.numShareable);
    for (const [index, name] of names.entries()) this.pool.keepBlock(name, this.memory.blockTable[firstBlock + index]!);
    if (this.length > this.numShareable) return;
    if (names.length > 0 && this.length % BLOCK_TOKENS === 0)
      this.keepStates(names.at(-1)!, tokenIds.length === 1 && this.length > this.promptLength);
  }

  /** Of a long answer, only the latest ones: they are large. */
  private keepStates(name: string, isDecode: boolean): void {
    const { stateFloats, snapshotBytes } = this.pool.layout;
    if (stateFloats === 0) return;
    const { states, stateVersion } = this.memory;
    this.pool.keepStates(name, new Float32Array(states, stateVersion * snapshotBytes, stateFloats).slice(), this.decodedStates);
    this.decodedStates = isDecode ? name : null;
  }

  private newStates(): Pick<CacheMemory, 'states' | 'stateVersions'> {
    const { stateBytes, stateVersions } = this.pool.layout;
    return { states: new SharedArrayBuffer(stateBytes), stateVersions };
  }

  /** Whether it holds memory. */
  private get isOpen(): boolean {
    return this.memory !== EMPTY;
  }
}
