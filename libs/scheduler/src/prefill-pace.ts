/** What a computed step was, and took. */
export interface StepCost {
  /** Sequences that decoded. */
  numDecoding: number;
  /** Tokens of prompts. */
  numPrefill: number;
  seconds: number;
}

/** What a step with prompts may take, of one without. Streams are to be slowed down three times at most, and steps vary. */
const SLOWDOWN = 2.5;
/** So that prompts get on whatever was measured. */
export const MIN_TOKENS = 16;
/** After so many steps with prompts comes one without, so that what decode takes stays known. */
const REMEASURE_STEPS = 16;
const NUM_DECODE_STEPS = 4;
const NUM_PREFILL_STEPS = 9;

/**
 * How many tokens of prompts a step takes in while others stream: as many as make it {@link SLOWDOWN} times as long as it would be without.
 * That depends on model, machine and load, so it is learned from the steps before.
 */
export class PrefillPace {
  /** Seconds of the latest steps without prompts. */
  private readonly decodes: number[] = [];
  /** The latest steps with prompts: their tokens, and the seconds of each that a decode alone would not have taken. */
  private readonly prefills: { tokens: number; secondsPerToken: number }[] = [];
  private sinceDecode = 0;

  /** @param minTokens that prompts get at least, in a step that has any */
  constructor(private readonly minTokens = MIN_TOKENS) {}

  /** @returns tokens of prompts in the next step at most */
  limit(numDecoding: number): number {
    if (numDecoding === 0) return Infinity;
    if (this.decodes.length === 0 || this.sinceDecode >= REMEASURE_STEPS) return 0;
    if (this.prefills.length === 0) return this.minTokens;
    const secondsPerToken = median(this.prefills.map((step) => step.secondsPerToken));
    const allowed = secondsPerToken > 0 ? Math.floor(((SLOWDOWN - 1) * this.decodeSeconds) / secondsPerToken) : Infinity;
    // Small chunks are measured badly: their number says how far the measurement may be trusted.
    return Math.max(this.minTokens, Math.min(allowed, 2 * Math.max(...this.prefills.map(({ tokens }) => tokens))));
  }

  /** Learns from a step. */
  observe({ numDecoding, numPrefill, seconds }: StepCost): void {
    if (numPrefill === 0) {
      if (numDecoding === 0) return;
      keep(this.decodes, seconds, NUM_DECODE_STEPS);
      this.sinceDecode = 0;
    } else {
      const prefillSeconds = seconds - (numDecoding === 0 ? 0 : this.decodeSeconds);
      keep(this.prefills, { tokens: numPrefill, secondsPerToken: prefillSeconds / numPrefill }, NUM_PREFILL_STEPS);
      if (numDecoding > 0) this.sinceDecode++;
    }
  }

  /** The shortest, for whatever else the machine does makes steps longer only. Taken for shorter than it is, it costs no stream anything. */
  private get decodeSeconds(): number {
    return Math.min(...this.decodes);
  }
}

function keep<T>(values: T[], value: T, count: number): void {
  values.push(value);
  if (values.length > count) values.shift();
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
