import { checkInteger, invalid } from '../check-option.js';
import type { EngineOptions } from '../engine-options.js';
import { SPECULATION_MODES, type SpeculationSettings } from './speculation.js';

/** Linear layers keep a version of their states for each. */
const MAX_SPECULATIVE_TOKENS = 15;
const MAX_LOOKUP = 64;

/**
 * What the options say of guessed tokens.
 * @returns null where there are none
 * @throws InvalidOptionError for a value out of range, also where nothing is guessed
 */
export function resolveSpeculation(options: EngineOptions): SpeculationSettings | null {
  const mode = options.speculation ?? 'off';
  if (!SPECULATION_MODES.includes(mode)) throw invalid('--speculation', `--speculation is ${mode}: give ${SPECULATION_MODES.join(', ')}`);
  const numTokens = checkInteger('--num-speculative-tokens', options.numSpeculativeTokens ?? 8, 1, MAX_SPECULATIVE_TOKENS);
  const minTokens = checkInteger('--prompt-lookup-min', options.promptLookupMin ?? 3, 1, MAX_LOOKUP);
  const maxTokens = checkInteger('--prompt-lookup-max', options.promptLookupMax ?? Math.max(8, minTokens), 1, MAX_LOOKUP);
  if (minTokens > maxTokens) {
    throw invalid('--prompt-lookup-min', `--prompt-lookup-min (${minTokens}) is more than --prompt-lookup-max (${maxTokens}): give less`);
  }
  return mode === 'off' ? null : { mode, numTokens, lookup: { minTokens, maxTokens } };
}
