import { InvalidRequestError } from '@ringmesh/core';
import type { ExpertBatch } from '@ringmesh/protocol';
import type { ModelConfig } from '@ringmesh/weights';

/**
 * Checks what memory safety and right sums rest on: ids and rows ascending and in range, lengths that agree. A batch may come from the
 * network.
 * @throws InvalidRequestError naming the field
 */
export function checkBatch(batch: ExpertBatch, config: ModelConfig, maxTokens: number): void {
  const { layer, numTokens, hidden, experts, counts, rows, weights } = batch;
  const { firstKDenseReplace, numLayers, numExperts, numExpertsPerToken, hiddenSize } = config;
  if (!inRange(layer, firstKDenseReplace, numLayers))
    throw invalid('layer', `is ${layer}; layers ${firstKDenseReplace} to ${numLayers - 1} have experts`);
  if (!inRange(numTokens, 1, maxTokens + 1)) throw invalid('numTokens', `is ${numTokens}; 1 to ${maxTokens} fit`);
  if (hidden.length !== numTokens * hiddenSize) throw invalid('hidden', `has ${hidden.length} numbers, not numTokens × ${hiddenSize}`);
  if (rows.length > numTokens * numExpertsPerToken)
    throw invalid('rows', `has ${rows.length} entries; at most numTokens × ${numExpertsPerToken} fit`);
  if (weights.length !== rows.length) throw invalid('weights', `has ${weights.length} entries for ${rows.length} rows`);
  if (counts.length !== experts.length) throw invalid('counts', `has ${counts.length} entries for ${experts.length} experts`);
  if (!ascends(experts, 0, experts.length, numExperts)) throw invalid('experts', `must ascend and be below ${numExperts}`);
  let start = 0;
  for (const count of counts) {
    if (!inRange(count, 1, rows.length - start + 1))
      throw invalid('counts', `has ${count} where 1 to ${rows.length - start} rows are left`);
    if (!ascends(rows, start, start + count, numTokens)) throw invalid('rows', `of one expert must ascend and be below ${numTokens}`);
    start += count;
  }
  if (start !== rows.length) throw invalid('counts', `add up to ${start}, not to the ${rows.length} rows`);
}

function inRange(value: number, first: number, end: number): boolean {
  return value >= first && value < end;
}

function ascends(values: Int32Array, start: number, end: number, limit: number): boolean {
  for (let index = start; index < end; index++) {
    const least = index === start ? 0 : values[index - 1]! + 1;
    if (!inRange(values[index]!, least, limit)) return false;
  }
  return true;
}

function invalid(field: string, problem: string): InvalidRequestError {
  return new InvalidRequestError(`ExpertBatch.${field} ${problem}`, { field });
}
