/** What every engine measures, in one process from start to end. */
export interface BenchPlan {
  /** Sequences that decode at once. The largest number comes first: the others are what is left of the same sequences. */
  batches: number[];
  /** Tokens before the first decoded one. */
  contextTokens: number;
  /** Decoded tokens of each sequence that count, at each batch size; a few come before that do not. */
  decodeSteps: number;
  prefillTokens: number;
  /** How often the prompt is prefilled. */
  prefillRuns: number;
  /** Compute threads. */
  threads: number;
}

/** What one process measured. */
export interface BenchResult {
  /** Tokens a second: `decode 8`, `prefill 512`. Several values where something was measured several times. */
  tokensPerSecond: Record<string, number[]>;
  /** From the start of the process until it could answer. */
  loadSeconds: number;
  /** Resident memory of all processes that take part, in bytes. */
  residentBytes: number;
  /** Milliseconds of a layer's, or a step's, parts at each batch size; engines that do not tell have none. */
  profile: Record<string, Record<string, number>>;
}

/** Tokens of the longest sequence that a plan makes. */
export function longestSequence(plan: BenchPlan): number {
  // Between two steps that count, one begins: there is a step more than there are times.
  const stepsOfBatch = WARM_UP_STEPS + plan.decodeSteps + 1;
  // The first sequences decode already while the prompts of the others are computed.
  const stepsOfPrompts = (Math.max(1, ...plan.batches) - 1) * Math.ceil(plan.contextTokens / MIN_PREFILL_TOKENS);
  return Math.max(plan.prefillTokens, plan.contextTokens + stepsOfPrompts + plan.batches.length * stepsOfBatch) + 1;
}

/** What prompts get of a step at least where something decodes (docs/scheduling.md). */
const MIN_PREFILL_TOKENS = 16;

/** Steps at a new batch size that do not count. */
export const WARM_UP_STEPS = 3;

export const decodeName = (batch: number): string => `decode ${batch}`;
export const prefillName = (tokens: number): string => `prefill ${tokens}`;

/** Token ids as a text would have them: any, and not the same in every sequence. */
export function promptIds(length: number, sequence: number, vocabSize: number): number[] {
  return Array.from({ length }, (_, i) => (Math.imul(sequence * 8191 + i, 0x9e37_79b1) >>> 0) % vocabSize);
}
