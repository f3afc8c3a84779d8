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
  private byContent = new Map<string, Frame>();
  private byPair = new Map<string, Frame>();
  private numMade = 0;

  get size(): number {
    return this.byContent.size;
  }

  /** Frames that are still in use stay as they are. */
  forget(): void {
    this.byContent = new Map();
    this.byPair = new Map();
  }

  of(rule: number, given: readonly Return[]): Frame {
    const returns = this.joined(given);
    const key = `${rule}:${returns.map(({ state, count, frame }) => `${state},${count},${frame.id}`).join(';')}`;
    let frame = this.byContent.get(key);
    if (frame === undefined) {
      const depth = returns.length === 0 ? 0 : Math.min(...returns.map((caller) => caller.frame.depth)) + 1;
      this.byContent.set(key, (frame = { id: this.numMade++, rule, depth, returns }));
    }
    return frame;
  }

  /** The callers of both, which are frames of one rule. */
  merge(a: Frame, b: Frame): Frame {
    if (a === b) return a;
    const key = a.id < b.id ? `${a.id},${b.id}` : `${b.id},${a.id}`;
    let frame = this.byPair.get(key);
    if (frame === undefined) this.byPair.set(key, (frame = this.of(a.rule, [...a.returns, ...b.returns])));
    return frame;
  }

  /** In a fixed order; returns to the same place become one with the callers of all. */
  private joined(given: readonly Return[]): Return[] {
    if (given.length < 2) return [...given];
    const sorted = given.toSorted((a, b) => a.state - b.state || a.count - b.count || a.frame.rule - b.frame.rule);
    const joined: Return[] = [];
    for (const caller of sorted) {
      const last = joined.at(-1);
      const isSame = last?.state === caller.state && last.count === caller.count && last.frame.rule === caller.frame.rule;
      if (isSame) joined[joined.length - 1] = { ...caller, frame: this.merge(last.frame, caller.frame) };
      else joined.push(caller);
    }
    return joined;
  }
}
