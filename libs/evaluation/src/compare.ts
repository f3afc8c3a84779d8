import { setImmediate } from 'node:timers/promises';
import type { SequenceCache } from '@ringmesh/kv-cache';
import { type Divergence, DivergenceCollector } from './divergence.js';
import type { EvaluatedModel } from './evaluated-model.js';

/** What the logits of one step may take for each model: with a large vocabulary a step has fewer tokens. */
const LOGIT_BYTES = 32 * 2 ** 20;

/** Tokens of a text that are predicted with what precedes them; each window begins anew. */
const WINDOW_TOKENS = 512;

/** Cuts a text into sequences as long as a model's context, 512 tokens at most. */
export function windowsOf(tokenIds: readonly number[], contextTokens: number): number[][] {
  const size = Math.min(WINDOW_TOKENS, contextTokens);
  return Array.from({ length: Math.ceil(tokenIds.length / size) }, (_, index) => tokenIds.slice(index * size, (index + 1) * size));
}

/**
 * Feeds the same tokens to all models, whatever they predict (teacher forcing), and compares what they predict after each of them. All models
 * advance side by side, a few tokens at a time, so that no more than the logits of one step are ever held.
 * @param sequences of tokens, each within the models' context
 * @returns one for each of `others`
 */
export async function compareOn(
  sequences: readonly (readonly number[])[],
  reference: EvaluatedModel,
  others: readonly EvaluatedModel[],
  onProgress: (donePositions: number) => void,
): Promise<Divergence[]> {
  const collectors = others.map(() => new DivergenceCollector());
  const { vocabSize } = reference.manifest.config;
  const step = Math.max(1, Math.min(reference.model.maxLogitRows, Math.floor(LOGIT_BYTES / (4 * vocabSize))));
  let done = 0;
  for (const sequence of sequences) {
    const models = [reference, ...others].map(({ model }) => ({ model, cache: model.caches.open() }));
    for (let start = 0; start < sequence.length; start += step) {
      const tokenIds = Int32Array.from(sequence.slice(start, start + step)); // [t]
      const [expected, ...actual] = models.map(({ model, cache }) => {
        reserve(cache, tokenIds.length);
        return model.forward([{ cache, tokenIds, logits: 'all' }]); // [t, V]
      });
      for (const [index, logits] of actual.entries()) {
        for (let row = 0; row < logits.length; row += vocabSize) {
          collectors[index]!.add(expected!.subarray(row, row + vocabSize), logits.subarray(row, row + vocabSize));
        }
      }
      onProgress((done += tokenIds.length));
      await setImmediate(); // lets signals and the news of threads through
    }
    for (const { cache } of models) cache.release();
  }
  return collectors.map((collector) => collector.read());
}

/** A window fits: the cache has room for a sequence of the whole context. */
function reserve(cache: SequenceCache, numTokens: number): void {
  if (!cache.reserve(numTokens)) throw new RangeError(`the KV cache has no room for ${numTokens} more tokens`);
}
