import { type Machine, StateFlag } from '../machine/machine.js';
import { agree } from './agree.js';
import type { TokenTrie } from './token-trie.js';

/** What the tokens of a vocabulary do from one state of a deterministic rule, whatever its limits and whoever has called it. */
export interface LeafWalk {
  /** Bit t: after token t the rule can go on. */
  inside: Uint32Array; // [V / 32]
  /** Nodes of the trie at which the rule may end, and what its counter has gained by then. */
  exitNodes: Int32Array;
  exitCounts: Uint16Array;
  /** Tokens that end at an exit are not `inside`: the rule's minimum decides whether they may come. */
  exitsAreGated: boolean;
  /** The tokens of `inside`, those first that need the least of the counter's room; only of rules that count. */
  tokens: Int32Array;
  /** What each of them needs. */
  needs: Uint16Array;
}

/** Memory that walks through one vocabulary need while they last. */
export class WalkScratch {
  readonly exitNodes: Int32Array;
  readonly exitCounts: Uint16Array;
  readonly needOf: Uint16Array;

  constructor({ byte, vocabSize }: TokenTrie) {
    this.exitNodes = new Int32Array(byte.length);
    this.exitCounts = new Uint16Array(byte.length);
    this.needOf = new Uint16Array(vocabSize);
  }
}

const NOWHERE = -1;
/** A pair of states that are compared costs as much as so many nodes of the trie. */
const NODES_A_PAIR = 8;
/** Rows that are kept, of 1 KiB each. */
const MAX_ROWS = 1_024;
/** How many of the states walked last a new one is compared with. */
const NUM_COMPARED = 4;

/** Tells what tokens do, by state; a walk through the whole trie takes a millisecond or two, so it is done once. */
export class LeafWalks {
  private readonly walks = new Map<number, LeafWalk>();
  private rows: (Int32Array | undefined)[] = []; // by state
  private numRows = 0;
  private cost = 0;
  private size = 0;
  private readonly lately: number[] = []; // states whose walks were made last, the last one first

  constructor(
    private readonly machine: Machine,
    private readonly trie: TokenTrie,
    private readonly scratch: WalkScratch,
  ) {}

  /** Of the walks that are kept. */
  get numBytes(): number {
    return this.size;
  }

  /** @returns what was done since the last call, in nodes of the trie */
  takeCost(): number {
    const { cost } = this;
    this.cost = 0;
    return cost;
  }

  forget(): void {
    this.walks.clear();
    this.lately.length = 0;
    this.forgetRows();
    this.size = 0;
  }

  of(state: number): LeafWalk {
    let walk = this.walks.get(state);
    if (walk === undefined) this.walks.set(state, (walk = this.alike(state) ?? this.walk(state)));
    return walk;
  }

  /** A state that no token tells apart from one that was walked lately has the same walk: far from its ends, each state of `[a-z]{1,500}`. */
  private alike(state: number): LeafWalk | undefined {
    const known = this.lately.find((other) => {
      const { isSame, numPairs } = agree(this.machine, state, other, this.trie.maxDepth);
      this.cost += NODES_A_PAIR * numPairs;
      return isSame;
    });
    if (known !== undefined) return this.walks.get(known);
    this.lately.unshift(state);
    this.lately.length = Math.min(this.lately.length, NUM_COMPARED);
    return undefined;
  }

  private walk(start: number): LeafWalk {
    const { byte, depth, end, firstToken, tokens, vocabSize } = this.trie;
    const { flags } = this.machine;
    const inside = new Uint32Array(Math.ceil(vocabSize / 32));
    const { exitNodes, exitCounts } = this.scratch;
    const needOf = this.scratch.needOf.fill(0); // 1 more than the need; 0: not inside
    let numExits = 0;
    let exitsAreGated = false;
    let counts = false;
    const rows = [this.row(start)]; // by depth
    const gained = [0];
    for (let node = 0; node < byte.length;) {
      this.cost++;
      const at = depth[node]!;
      const state = rows[at]![byte[node]!]!;
      if (state === NOWHERE) {
        node = end[node]!;
        continue;
      }
      const flag = flags[state]!;
      const count = gained[at]! + ((flag & StateFlag.COUNTS) === 0 ? 0 : 1);
      rows[at + 1] = this.row(state);
      gained[at + 1] = count;
      const isGated = (flag & StateFlag.NEEDS_MIN) !== 0;
      exitsAreGated ||= isGated;
      if ((flag & StateFlag.ACCEPTS) !== 0 && (isGated || end[node]! > node + 1)) {
        exitNodes[numExits] = node;
        exitCounts[numExits++] = count;
      }
      if (!isGated) {
        const need = count + ((flag & StateFlag.NEEDS_ROOM) === 0 ? 0 : 1);
        counts ||= need > 0;
        for (let index = firstToken[node]!; index < firstToken[node + 1]!; index++) {
          const token = tokens[index]!;
          inside[token >> 5]! |= 1 << (token & 31);
          needOf[token] = need + 1;
        }
      }
      node++;
    }
    const exits = { exitNodes: exitNodes.slice(0, numExits), exitCounts: exitCounts.slice(0, numExits) };
    const made = { inside, ...exits, exitsAreGated, ...sortByNeed(counts ? needOf : new Uint16Array(0)) };
    for (const array of Object.values(made)) if (typeof array !== 'boolean') this.size += array.byteLength;
    return made;
  }

  /** Where each byte leads. */
  private row(state: number): Int32Array {
    let row = this.rows[state];
    if (row === undefined) {
      const { edgeStart, edgeLow, edgeHigh, edgeTarget } = this.machine;
      row = new Int32Array(256).fill(NOWHERE);
      for (let edge = edgeStart[state]!; edge < edgeStart[state + 1]!; edge++)
        row.fill(edgeTarget[edge]!, edgeLow[edge], edgeHigh[edge]! + 1);
      if (++this.numRows > MAX_ROWS) this.forgetRows();
      this.rows[state] = row;
    }
    return row;
  }

  private forgetRows(): void {
    this.rows = [];
    this.numRows = 0;
  }
}

/** Sorts by counting. @param needOf by token: 1 more than it needs, 0 for one that is left out */
function sortByNeed(needOf: Uint16Array): Pick<LeafWalk, 'tokens' | 'needs'> {
  const numWith = new Int32Array(needOf.reduce((most, need) => Math.max(most, need), 0) + 2);
  for (const need of needOf) numWith[need + 1]!++;
  const numLeftOut = numWith[1] ?? 0;
  for (let need = 1; need < numWith.length; need++) numWith[need]! += numWith[need - 1]!; // now: where each begins
  const tokens = new Int32Array(needOf.length - numLeftOut);
  const needs = new Uint16Array(tokens.length);
  for (const [token, need] of needOf.entries()) {
    if (need === 0) continue;
    const place = numWith[need]!++ - numLeftOut;
    tokens[place] = token;
    needs[place] = need - 1;
  }
  return { tokens, needs };
}
