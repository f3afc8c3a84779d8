/** `npm run bench -- --sampling`: what choosing one token costs the engine's thread, by what the request asks for. */
import { parseArgs } from 'node:util';
import { parseInteger, table } from '@ringmesh/core';
import { createProcessors, Sampler, type SamplingParams, tokenBits, uniform } from '@ringmesh/sampler';

const HELP = `npm run bench -- --sampling [options]
  --vocabulary <n>   tokens of the vocabulary (126464, as Ring's)
  --tokens <n>       tokens that are chosen of each kind (500)`;

/** What must hold, of each kind: the median, in ms a token. */
const BAR_MS = 1;
/** Tokens before those that are measured: so many that V8 has compiled what it will. */
const WARM_UP = 100;
/** Logits of a model are about normal, and spread about so far. */
const [NUM_ROWS, SPREAD] = [4, 2.5];
/** Of the prompt, whose tokens are penalized. */
const PROMPT_TOKENS = 4000;

const NEUTRAL: SamplingParams = { temperature: 1, topP: 1, topK: 0, minP: 0, seed: 0, logprobs: -1 };

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { sampling: { type: 'boolean' }, vocabulary: text, tokens: text, help: { type: 'boolean' } } });
if (values.help === true) console.log(HELP);
else process.exitCode = bench() ? 0 : 1;

/** @returns whether the bar holds */
function bench(): boolean {
  const vocabSize = parseInteger('--vocabulary', values.vocabulary, 2, 2 ** 20) ?? 126_464;
  const numTokens = parseInteger('--tokens', values.tokens, 1, 1_000_000) ?? 500;
  const sampler = new Sampler(vocabSize);
  const rows = Array.from({ length: NUM_ROWS }, (_, index) => normalRow(index, vocabSize));
  const promptIds = Array.from({ length: PROMPT_TOKENS }, (_, index) => Math.floor(uniform(9, index) * vocabSize));
  const results = Object.entries(kinds(promptIds, vocabSize)).map(([name, fields]) => {
    const params = { ...NEUTRAL, ...fields };
    const processors = createProcessors(params, { promptIds, stopTokenIds: [5], mask: null });
    const times: number[] = [];
    for (let index = -WARM_UP; index < numTokens; index++) {
      const start = performance.now();
      const { tokenId } = sampler.sample(rows[(index + WARM_UP) % NUM_ROWS]!, params, uniform(5, index + WARM_UP), processors);
      for (const processor of processors) processor.accept?.(tokenId);
      if (index >= 0) times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    return { name, median: times[times.length >> 1]!, p99: times[Math.floor(times.length * 0.99)]! };
  });
  const lines = results.map(({ name, median, p99 }) => [name, median.toFixed(3), p99.toFixed(3), median <= BAR_MS ? 'ok' : 'MISSED']);
  console.log(table([['ms a token', 'median', 'p99', `≤ ${BAR_MS}`], ...lines]));
  return results.every(({ median }) => median <= BAR_MS);
}

/** What requests ask for: a kind of choice, or the processors, and at last all of it. */
function kinds(promptIds: number[], vocabSize: number): Record<string, Partial<SamplingParams>> {
  const cut = { temperature: 0.6, topP: 0.95, topK: 20, minP: 0.01 };
  const rules: Partial<SamplingParams> = {
    repetitionPenalty: 1.1,
    frequencyPenalty: 0.5,
    presencePenalty: 0.5,
    logitBias: promptIds.slice(0, 1024).map((id) => [id, 1] as const),
    badWords: promptIds.slice(0, 128).map((id) => [id, (id + 1) % vocabSize]),
    minTokens: 1000,
    allowedTokens: tokenBits(promptIds, vocabSize),
  };
  return {
    greedy: { temperature: 0 },
    'temperature 1': {},
    'top_p 0.95': { topP: 0.95 },
    'top_k 20': { topK: 20 },
    'min_p 0.01': { minP: 0.01 },
    'temperature 0.6, top_p, top_k, min_p': cut,
    'greedy, 20 logprobs': { temperature: 0, logprobs: 20 },
    penalties: { repetitionPenalty: 1.1, frequencyPenalty: 0.5, presencePenalty: 0.5 },
    'all processors': rules,
    'all of it, 20 logprobs': { ...rules, ...cut, logprobs: 20 },
  };
}

/** [V] by Box and Muller. */
function normalRow(seed: number, vocabSize: number): Float32Array {
  const radius = (index: number): number => Math.sqrt(-2 * Math.log(1 - uniform(seed, index)));
  return Float32Array.from(
    { length: vocabSize },
    (_, index) => SPREAD * radius(index) * Math.cos(2 * Math.PI * uniform(seed + NUM_ROWS, index)),
  );
}
