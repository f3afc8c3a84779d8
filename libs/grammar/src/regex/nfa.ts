import type { Budget } from '../machine/budget.js';
import type { Encoding } from './byte-sequences.js';
import type { CodePoints } from './code-points.js';
import type { Regex } from './regex.js';
import { END, setTemplate, type SetTemplate } from './set-template.js';

/** A nondeterministic automaton over bytes with one start and one end. */
export interface Nfa {
  start: number;
  end: number;
  /** Three numbers an edge: lowest byte, highest byte, target. In the order of the bytes; those of one state do not overlap. */
  edges: readonly (readonly number[])[];
  empty: readonly (readonly number[])[];
}

/** What a state costs to make, in steps. */
const STATE_STEPS = 25;
/** What each further sequence of bytes of a class costs, in steps. */
const SEQUENCE_STEPS = 150;
/** Lists are made when something comes into them: most states have one kind of edge. */
const NONE: number[] = [];

/** @throws GrammarTooComplexError; the regex may have neither anchors nor lookaheads */
export function buildNfa(regex: Regex, encoding: Encoding, budget: Budget): Nfa {
  const builder = new NfaBuilder(encoding, budget);
  const start = builder.state();
  const end = builder.add(start, regex);
  return { start, end, edges: builder.edges, empty: builder.empty };
}

class NfaBuilder {
  readonly edges: number[][] = [];
  readonly empty: number[][] = [];
  private readonly templates = new Map<CodePoints | number, SetTemplate>(); // by set, or by its only member

  constructor(
    private readonly encoding: Encoding,
    private readonly budget: Budget,
  ) {}

  state(): number {
    this.budget.spend(STATE_STEPS);
    this.edges.push(NONE);
    return this.empty.push(NONE) - 1;
  }

  /** @returns the state after the regex */
  add(from: number, regex: Regex): number {
    this.budget.spend(1); // what makes no states, such as "()", may be repeated too
    switch (regex.type) {
      case 'set':
        return this.addSet(from, regex.set);
      case 'sequence':
        return regex.parts.reduce((state, part) => this.add(state, part), from);
      case 'choice': {
        const end = this.state();
        for (const option of regex.options) this.skip(this.add(this.after(from), option), end);
        return end;
      }
      case 'repeat':
        return this.addRepeat(from, regex.part, regex.min, regex.max);
      case 'anchor':
      case 'lookahead':
        throw new Error(`a regex with ${regex.type} was not resolved`);
    }
  }

  private addRepeat(from: number, part: Regex, min: number, max: number): number {
    let state = from;
    for (let count = 0; count < min; count++) state = this.add(state, part);
    if (max === Infinity) {
      const loop = this.after(state);
      this.skip(this.add(loop, part), loop);
      return this.after(loop);
    }
    const end = this.state();
    for (let count = min; count < max; count++) {
      this.skip(state, end);
      state = this.add(this.after(state), part);
    }
    this.skip(state, end);
    return end;
  }

  private addSet(from: number, points: CodePoints): number {
    const key = points.length === 1 && points[0]![0] === points[0]![1] ? points[0]![0] : points;
    let template = this.templates.get(key);
    if (template === undefined) this.templates.set(key, (template = this.template(points)));
    // A state is entered by one set at most: what follows another one begins with a state of its own.
    const start = this.edges[from] === NONE ? from : this.after(from);
    const end = this.state();
    const first = this.edges.length - 1; // state 0 of the template is `start`, state n the n-th from here on
    for (let state = 1; state < template.length; state++) this.state();
    for (const [state, edges] of template.entries()) {
      this.budget.spend(edges.length / 3);
      this.edges[state === 0 ? start : first + state] = edges.map((value, index) => {
        return index % 3 !== 2 ? value : value === END ? end : first + value;
      });
    }
    return end;
  }

  private template(points: CodePoints): SetTemplate {
    const sequences = this.encoding(points);
    this.budget.spend(SEQUENCE_STEPS * (sequences.length - 1)); // the first one is paid with its states
    return setTemplate(sequences);
  }

  private after(state: number): number {
    const next = this.state();
    this.skip(state, next);
    return next;
  }

  private skip(from: number, to: number): void {
    if (this.empty[from] === NONE) this.empty[from] = [to];
    else this.empty[from]!.push(to);
  }
}
