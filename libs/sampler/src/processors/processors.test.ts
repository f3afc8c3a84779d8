import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Logits } from '../logits.js';
import type { SamplingParams } from '../sampling-params.js';
import { createProcessors } from './create-processors.js';
import { tokenBits } from './token-bits.js';
import type { TokenMask } from './token-mask.js';

const VOCAB_SIZE = 40;
const NEUTRAL: SamplingParams = { temperature: 1, topP: 1, topK: 0, minP: 0, seed: 0, logprobs: -1 };
const row = new Logits(VOCAB_SIZE); // one WebAssembly module for all runs

interface Text {
  logits: number[];
  prompt: number[];
  output: number[];
}

const token = fc.nat(VOCAB_SIZE - 1);
const few = fc.nat(5); // so that tokens repeat
const text = fc.record({
  logits: fc.array(
    fc.float({ min: -50, max: 50, noNaN: true }).map((logit) => logit + 0 /* not −0 */),
    { minLength: VOCAB_SIZE, maxLength: VOCAB_SIZE },
  ),
  prompt: fc.array(fc.oneof(token, few), { maxLength: 20 }),
  output: fc.array(fc.oneof(token, few), { maxLength: 20 }),
});

/** What the processors make of a row after prompt and output. */
function processed(
  params: Partial<SamplingParams>,
  { logits, prompt, output }: Text,
  stopTokenIds: number[] = [],
  mask: TokenMask | null = null,
): number[] {
  const processors = createProcessors({ ...NEUTRAL, ...params }, { promptIds: prompt, stopTokenIds, mask });
  for (const tokenId of output) for (const processor of processors) processor.accept?.(tokenId);
  row.load(Float32Array.from(logits));
  for (const processor of processors) processor.apply(row);
  return [...row.values];
}

/** The plain formula of each field: a logit after it. Results are rounded to float32, as they are stored. */
const FORMULAS = {
  allowedTokenIds: (logit: number, id: number, allowed: number[]): number => (allowed.includes(id) ? logit : -Infinity),
  badWords: (logit: number, id: number, words: number[][], { output }: Text): number => {
    const ends = (word: number[]): boolean => word.at(-1) === id && `,${output.join()},`.endsWith(`,${[...word.slice(0, -1), ''].join()}`);
    return words.some(ends) ? -Infinity : logit;
  },
  minTokens: (logit: number, id: number, min: number, { output }: Text, stops: number[]): number =>
    output.length < min && stops.includes(id) ? -Infinity : logit,
  logitBias: (logit: number, id: number, biases: [number, number][]): number => Math.fround(logit + (new Map(biases).get(id) ?? 0)),
  repetitionPenalty: (logit: number, id: number, penalty: number, { prompt, output }: Text): number => {
    if (![...prompt, ...output].includes(id)) return logit;
    return Math.fround(logit > 0 ? logit / penalty : logit * penalty);
  },
  occurrences: (logit: number, id: number, [frequency, presence]: [number, number], { output }: Text): number => {
    const count = output.filter((other) => other === id).length;
    return Math.fround(logit - (count * frequency + (count > 0 ? presence : 0)));
  },
};

const allowedIds = fc.uniqueArray(token, { minLength: 1 });
const badWords = fc.array(fc.array(few, { minLength: 1, maxLength: 3 }), { maxLength: 6 });
const biases = fc.uniqueArray(fc.tuple(token, fc.float({ min: -100, max: 100, noNaN: true })), { selector: ([id]) => id });
const factor = fc.constantFrom(0.5, 1, 1.1, 2);
const amount = fc.constantFrom(-2, -0.5, 0, 0.1, 2);

function check<T>(
  argument: fc.Arbitrary<T>,
  paramsOf: (value: T) => Partial<SamplingParams>,
  formula: (logit: number, id: number, value: T, text: Text) => number,
): void {
  const property = fc.property(argument, text, (value, given) => {
    expect(processed(paramsOf(value), given)).toEqual(given.logits.map((logit, id) => formula(logit, id, value, given)));
  });
  fc.assert(property, { seed: 1, numRuns: 300 });
}

describe('processors', () => {
  it('are none where the parameters change nothing', () => {
    const neutral = {
      ...NEUTRAL,
      repetitionPenalty: 1,
      frequencyPenalty: 0,
      presencePenalty: 0,
      minTokens: 0,
      badWords: [],
      logitBias: [],
    };
    expect(createProcessors(neutral, { promptIds: [1], stopTokenIds: [2], mask: null })).toEqual([]);
  });

  it('allowed_token_ids leaves these', () => {
    check(allowedIds, (ids) => ({ allowedTokens: tokenBits(ids, VOCAB_SIZE) }), FORMULAS.allowedTokenIds);
  });

  it('bad_words forbids the last token of a word after all those before it', () => {
    check(badWords, (words) => ({ badWords: words }), FORMULAS.badWords);
  });

  it('logit_bias is added', () => {
    check(biases, (logitBias) => ({ logitBias }), FORMULAS.logitBias);
  });

  it('repetition_penalty divides what is positive and multiplies the rest, of prompt and output', () => {
    check(factor, (repetitionPenalty) => ({ repetitionPenalty }), FORMULAS.repetitionPenalty);
  });

  it('frequency_penalty counts, presence_penalty does not, in the output only', () => {
    check(fc.tuple(amount, amount), ([frequencyPenalty, presencePenalty]) => ({ frequencyPenalty, presencePenalty }), FORMULAS.occurrences);
  });

  it('min_tokens keeps the answer from ending', () => {
    const property = fc.property(fc.nat(25), fc.array(token), text, (minTokens, stops, given) => {
      const expected = given.logits.map((logit, id) => FORMULAS.minTokens(logit, id, minTokens, given, stops));
      expect(processed({ minTokens }, given, stops)).toEqual(expected);
    });
    fc.assert(property, { seed: 1, numRuns: 300 });
  });

  it('a mask is asked after each token', () => {
    const seen: number[] = [];
    const mask: TokenMask = { mask: () => tokenBits(seen.slice(-2), VOCAB_SIZE), accept: (tokenId) => seen.push(tokenId) };
    const given = { logits: Array<number>(VOCAB_SIZE).fill(1), prompt: [1], output: [4, 35, 9] };
    const values = processed({}, given, [], mask);
    expect([...values.keys()].filter((id) => values[id] === 1)).toEqual([9, 35]);
  });

  it('follow one another as in vLLM', () => {
    const all = fc.record({ allowedIds, badWords, biases, factor, amounts: fc.tuple(amount, amount), minTokens: fc.nat(25) });
    const stops = [3, 17];
    fc.assert(
      fc.property(all, text, (fields, given) => {
        const [frequencyPenalty, presencePenalty] = fields.amounts;
        const params = {
          allowedTokens: tokenBits(fields.allowedIds, VOCAB_SIZE),
          badWords: fields.badWords,
          minTokens: fields.minTokens,
          logitBias: fields.biases,
          repetitionPenalty: fields.factor,
          ...{ frequencyPenalty, presencePenalty },
        };
        const expected = given.logits.map((raw, id) => {
          let logit = FORMULAS.allowedTokenIds(raw, id, fields.allowedIds);
          logit = FORMULAS.badWords(logit, id, fields.badWords, given);
          logit = FORMULAS.minTokens(logit, id, fields.minTokens, given, stops);
          logit = FORMULAS.logitBias(logit, id, fields.biases);
          logit = FORMULAS.repetitionPenalty(logit, id, fields.factor, given);
          return FORMULAS.occurrences(logit, id, fields.amounts, given);
        });
        expect(processed(params, given, stops)).toEqual(expected);
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});
