import { InvalidRequestError } from '@ringmesh/core';

export interface StopCheck {
  /** Text that may be shown now. */
  emit: string;
  /** The stop string that ended the text. Nothing more is emitted after it. */
  stopped?: string;
}

export interface StopCheckerOptions {
  /** Emits the stop string too (vLLM's `include_stop_str_in_output`). Default: false. */
  includeStopString?: boolean;
}

/**
 * Ends a stream of text at the first stop string, holding back what could be the beginning of one. The string that is complete first wins, of
 * those complete at the same character the longest: so the result does not depend on how the text was cut into pieces.
 */
export class StopChecker {
  private readonly matchers: readonly Matcher[];
  private readonly includeStopString: boolean;
  private held = '';
  private stopped: string | undefined;

  /** @throws InvalidRequestError for an empty stop string */
  constructor(stopStrings: readonly string[], { includeStopString = false }: StopCheckerOptions = {}) {
    if (stopStrings.includes('')) throw new InvalidRequestError('stop must not hold an empty string', { field: 'stop' });
    this.matchers = [...stopStrings].sort((a, b) => b.length - a.length).map((stopString) => new Matcher(stopString));
    this.includeStopString = includeStopString;
  }

  push(text: string): StopCheck {
    if (this.stopped !== undefined) return { emit: '', stopped: this.stopped };
    const pending = this.held + text;
    for (let index = 0; index < text.length; index++) {
      const stopped = this.advance(text.charCodeAt(index));
      if (stopped === undefined) continue;
      this.stopped = stopped;
      this.held = '';
      const end = pending.length - text.length + index + 1;
      return { emit: pending.slice(0, this.includeStopString ? end : end - stopped.length), stopped };
    }
    const shown = pending.length - this.matchers.reduce((longest, { matched }) => Math.max(longest, matched), 0);
    this.held = pending.slice(shown);
    return { emit: pending.slice(0, shown) };
  }

  /** Ends the stream without a stop string. @returns the text held back */
  flush(): string {
    const { held } = this;
    this.held = '';
    return held;
  }

  /** Feeds all matchers. @returns the longest stop string that ends with this code unit */
  private advance(codeUnit: number): string | undefined {
    let found: string | undefined;
    for (const matcher of this.matchers) {
      if (matcher.advance(codeUnit)) found ??= matcher.pattern;
    }
    return found;
  }
}

/** Knuth-Morris-Pratt: `matched` is the length of the longest end of the text that begins the pattern. */
class Matcher {
  matched = 0;
  /** [pattern.length] fallback[i]: the longest proper end of pattern[0…i] that begins the pattern. */
  private readonly fallback: Int32Array;

  constructor(readonly pattern: string) {
    this.fallback = new Int32Array(pattern.length);
    for (let index = 1; index < pattern.length; index++) {
      this.advance(pattern.charCodeAt(index));
      this.fallback[index] = this.matched;
    }
    this.matched = 0;
  }

  /** @returns whether the text now ends with the pattern */
  advance(codeUnit: number): boolean {
    while (this.matched > 0 && this.pattern.charCodeAt(this.matched) !== codeUnit) this.matched = this.fallback[this.matched - 1]!;
    if (this.pattern.charCodeAt(this.matched) === codeUnit) this.matched++;
    return this.matched === this.pattern.length;
  }
}
