/**
 * A compiled grammar: a pushdown automaton over bytes. States belong to rules; a state may read a byte, go on without one, or call a rule and
 * go on where the call returns. A rule that is called reads at least one byte. Plain data in shared memory: it crosses a thread without
 * a copy, as often as there are answers.
 */
export interface Machine {
  /** Of state s: the edges `edgeStart[s]` to `edgeStart[s + 1]`, each from a byte `edgeLow` to `edgeHigh`. */
  edgeStart: Int32Array; // [S + 1]
  edgeLow: Uint8Array; // [E]
  edgeHigh: Uint8Array; // [E]
  edgeTarget: Int32Array; // [E]
  /** Edges that read nothing. */
  emptyStart: Int32Array; // [S + 1]
  emptyTarget: Int32Array;
  /** Calls: of a rule, and the state after it. */
  callStart: Int32Array; // [S + 1]
  callRule: Int32Array;
  callReturn: Int32Array;
  /** {@link StateFlag}s. */
  flags: Uint8Array; // [S]
  /** How many calls deep the rest of the state's rule goes at least; {@link NEVER} where it never ends. */
  height: Uint16Array; // [S]
  ruleStart: Int32Array; // [R]
  /** What a rule's counter must reach, and may reach: items of an array, characters of a string. */
  ruleMin: Int32Array; // [R]
  ruleMax: Int32Array; // [R]
  /** The rule of the whole text. */
  root: number;
}

export const StateFlag = {
  /** The rule may end here. */
  ACCEPTS: 1,
  /** Coming here adds one to the rule's counter. */
  COUNTS: 2,
  /** Comes here only while the counter is below the rule's maximum. */
  NEEDS_ROOM: 4,
  /** Comes here only when the counter has reached the rule's minimum. */
  NEEDS_MIN: 8,
  /** The rest of the rule is a deterministic automaton: no calls, no empty edges. */
  LEAF: 16,
} as const;

export const NEVER = 0xffff;
/** A counter without a maximum. */
export const UNLIMITED = 0x7fffffff;
/** Calls within calls at most, whatever a recursive schema allows: a JSON value costs one or two. */
export const MAX_NESTING = 256;
