import type { Work } from './work.js';

/** Where a rule goes on when one that it called has ended. */
export interface Return {
  state: number;
  /** What the caller's counter had reached. */
  count: number;
  frame: Frame;
}

/** A call on the stack: of a rule, by all callers at once that may have made it. Callers are frames themselves, so the stack is a graph. */
export interface Frame {
  id: number;
  rule: number;
  /** Calls around it, at least. */
  depth: number;
  /** None: the whole text ends with the rule. */
  returns: readonly Return[];
}

/** Keeps one object for equal frames, so that what is found out about one is known for all. */
export class Frames {
  /** Callers of all frames that are kept. */
  numReturns = 0;
  private byContent = new Map<string, Frame>();
  private byParts = new Map<string, Frame>();
  private numMade = 0;

  constructor(private readonly work: Work) {}

  /** Frames that are still in use stay as they are. */
  forget(): void {
    this.byContent = new Map();
    this.byParts = new Map();
    this.numReturns = 0;
  }

  of(rule: number, given: readonly Return[]): Frame {
    this.work.spend(given.length);
    const returns = this.joined(given);
    const key = `${rule}:${returns.map(({ state, count, frame }) => `${state},${count},${frame.id}`).join(';')}`;
    let frame = this.byContent.get(key);
    if (frame === undefined) {
      const depth = returns.reduce((least, caller) => Math.min(least, caller.frame.depth + 1), returns.length === 0 ? 0 : Infinity);
      this.byContent.set(key, (frame = { id: this.numMade++, rule, depth, returns }));
      this.numReturns += 1 + returns.length;
    }
    return frame;
  }

  /** The callers of all of the frames, which are of one rule. */
  union(parts: readonly Frame[]): Frame {
    const [first] = parts;
    if (parts.length === 1) return first!;
    const ids = parts.map(({ id }) => id).sort((a, b) => a - b);
    const key = ids.join();
    let frame = this.byParts.get(key);
    if (frame === undefined) {
      const returns = parts.flatMap((part) => part.returns);
      this.byParts.set(key, (frame = this.of(first!.rule, returns)));
      this.numReturns += parts.length;
    }
    return frame;
  }

  /** In a fixed order; returns to the same place become one with the callers of all. */
  private joined(given: readonly Return[]): Return[] {
    if (given.length < 2) return [...given];
    const sorted = given.toSorted((a, b) => a.state - b.state || a.count - b.count || a.frame.rule - b.frame.rule);
    const joined: Return[] = [];
    for (let first = 0; first < sorted.length;) {
      const { state, count, frame } = sorted[first]!;
      const frames = new Set([frame]);
      let next = first + 1;
      for (
        let other = sorted[next];
        other?.state === state && other.count === count && other.frame.rule === frame.rule;
        other = sorted[++next]
      )
        frames.add(other.frame);
      joined.push({ state, count, frame: this.union([...frames]) });
      first = next;
    }
    return joined;
  }
}
