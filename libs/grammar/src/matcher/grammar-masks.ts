import { type Machine, StateFlag, UNLIMITED } from '../machine/machine.js';
import { Automaton } from './automaton.js';
import type { LeafWalk, LeafWalks } from './leaf-walk.js';
import type { RunState, StateSet } from './state-set.js';
import type { TokenTrie } from './token-trie.js';

/** States that one mask or token may look at, and nodes of the trie beside them: some 100 ms. A usual mask takes some hundred. */
const MAX_WORK = 150_000;
/** A node of the trie costs so much less than a state. */
const NODES_A_STATE = 16;
/** Words of a mask that cost as much as a node. */
const WORDS_A_NODE = 8;
/** Masks that a grammar keeps, of 16 KiB each at the vocabulary of Ring-lite. */
const MAX_MASKS = 256;

/** The masks of one grammar over one vocabulary, shared by all requests with this grammar. */
export class GrammarMasks {
  readonly automaton: Automaton;
  private readonly path: StateSet[] = []; // by depth of the trie
  private numMasks = 0;

  /** @param walksOf what tokens do from a state of a deterministic rule */
  constructor(
    private readonly machine: Machine,
    readonly trie: TokenTrie,
    private readonly walksOf: (state: number) => LeafWalks,
    private readonly maxWork = MAX_WORK,
  ) {
    this.automaton = new Automaton(machine);
  }

  /** Before the first token. @throws GrammarTooComplexError */
  start(): StateSet {
    this.automaton.work.allow(this.maxWork);
    return this.automaton.start();
  }

  /** After a token. @returns null where it may not come. @throws GrammarTooComplexError */
  after(before: StateSet, token: number): StateSet | null {
    this.automaton.work.allow(this.maxWork);
    const { tokenBytes, tokenStart } = this.trie;
    const [first, last] = [tokenStart[token] ?? 0, tokenStart[token + 1] ?? 0];
    let set: StateSet | null = first === last ? null : before;
    for (let index = first; index < last && set !== null; index++) set = this.automaton.next(set, tokenBytes[index]!);
    return set;
  }

  /**
   * The tokens that may come, end tokens aside: not to be written to.
   * @throws GrammarTooComplexError
   */
  of(set: StateSet): Uint32Array {
    if (set.mask !== undefined) return set.mask;
    if (++this.numMasks > MAX_MASKS) {
      this.numMasks = 0;
      this.automaton.forget();
    }
    const mask = new Uint32Array(Math.ceil(this.trie.vocabSize / 32));
    this.automaton.work.allow(this.maxWork);
    const { flags } = this.machine;
    const branching = this.automaton.branching(set);
    if (branching.states.length > 0) this.walk(branching, 0, this.trie.byte.length, mask);
    for (const run of set.states) if ((flags[run.state]! & StateFlag.LEAF) !== 0) this.addLeaf(run, mask);
    return (set.mask = mask);
  }

  /** Adds the tokens that a deterministic rule allows, and those that go on after its end. */
  private addLeaf({ state, count, frame }: RunState, mask: Uint32Array): void {
    const walks = this.walksOf(state);
    const walk = walks.of(state);
    this.spend(walks.takeCost() + mask.length / WORDS_A_NODE);
    const [min, max] = [this.machine.ruleMin[frame.rule]!, this.machine.ruleMax[frame.rule]!];
    const room = max === UNLIMITED ? Infinity : max - count;
    addInside(walk, room, mask);
    if (frame.returns.length === 0) throw new Error('a deterministic rule is always called');
    const after = this.automaton.after(frame);
    const { exitNodes, exitCounts, exitsAreGated } = walk;
    if (after.states.length === 0 && !exitsAreGated) return;
    this.spend(exitNodes.length);
    for (let exit = 0; exit < exitNodes.length; exit++) {
      const gained = exitCounts[exit]!;
      if (gained > room || count + gained < min) continue;
      const node = exitNodes[exit]!;
      this.addTokens(node, mask);
      if (after.states.length > 0) this.walk(after, node + 1, this.trie.end[node]!, mask);
    }
  }

  /** Adds the tokens below a part of the trie that the set allows. */
  private walk(set: StateSet, first: number, last: number, mask: Uint32Array): void {
    if (first >= last) return;
    const { automaton, path } = this;
    const { byte, depth, end } = this.trie;
    path[depth[first]!] = set;
    for (let node = first; node < last;) {
      this.spend(1);
      const next = automaton.next(path[depth[node]!]!, byte[node]!);
      if (next === null) {
        node = end[node]!;
        continue;
      }
      this.addTokens(node, mask);
      path[depth[node]! + 1] = next;
      node++;
    }
  }

  /** @throws GrammarTooComplexError */
  private spend(numNodes: number): void {
    this.automaton.work.spend(numNodes / NODES_A_STATE);
  }

  private addTokens(node: number, mask: Uint32Array): void {
    const { firstToken, tokens } = this.trie;
    for (let index = firstToken[node]!; index < firstToken[node + 1]!; index++) {
      const token = tokens[index]!;
      mask[token >> 5]! |= 1 << (token & 31);
    }
  }
}

/** @param room what the rule's counter may still gain */
function addInside({ inside, tokens, needs }: LeafWalk, room: number, mask: Uint32Array): void {
  const fitting = room >= (needs.at(-1) ?? 0) ? needs.length : countUpTo(needs, room);
  if (fitting === needs.length) {
    for (let word = 0; word < mask.length; word++) mask[word]! |= inside[word]!;
  } else {
    for (let index = 0; index < fitting; index++) mask[tokens[index]! >> 5]! |= 1 << (tokens[index]! & 31);
  }
}

/** How many values of an ascending list are no larger. */
function countUpTo(values: Uint16Array, limit: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
