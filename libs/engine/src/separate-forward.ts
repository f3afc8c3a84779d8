import { BLOCK_TOKENS } from '@ringmesh/kv-cache';
import type { Model, Segment } from '@ringmesh/model';
import type { Chunk } from '@ringmesh/scheduler';
import type { ActiveGeneration } from './active-generation.js';

/** Some tokens of a sequence that go through the model together. */
export interface Piece extends Chunk<ActiveGeneration> {
  /** Position of the first one. */
  first: number;
}

/**
 * Computes each chunk of a step by itself, so that its bits depend on its sequence alone: sums of a batch of another size are added in another order.
 * Chunks are cut into pieces at the same places, however the scheduler cut the prompt: into blocks of the prompt, and tokens that follow it. So what
 * is computed again after a preemption is computed as it was before.
 */
export class SeparateForward {
  private logits = new Float32Array(0);

  constructor(
    private readonly model: Model,
    private readonly vocabSize: number,
  ) {}

  /** @returns logits [N, V] after the chunks that are the last of their sequence; valid until the next step */
  run(chunks: readonly Chunk<ActiveGeneration>[], segmentOf: (piece: Piece) => Segment): Float32Array {
    const numRows = chunks.filter(({ isLast }) => isLast).length;
    if (this.logits.length < numRows * this.vocabSize) this.logits = new Float32Array(numRows * this.vocabSize); // [N, V]
    let row = 0;
    for (const chunk of chunks) {
      for (const piece of piecesOf(chunk)) {
        const logits = this.model.forward([segmentOf(piece)]); // [isLast ? 1 : 0, V]
        if (piece.isLast) this.logits.set(logits, row++ * this.vocabSize);
      }
    }
    return this.logits.subarray(0, numRows * this.vocabSize);
  }
}

function* piecesOf({ sequence, numTokens, isLast }: Chunk<ActiveGeneration>): Generator<Piece> {
  const { numComputed, numPromptTokens } = sequence;
  const end = numComputed + numTokens;
  for (let first = numComputed, next; first < end; first = next) {
    const blockEnd = first - (first % BLOCK_TOKENS) + BLOCK_TOKENS;
    next = first < numPromptTokens ? Math.min(blockEnd, numPromptTokens, end) : first + 1;
    yield { sequence, first, numTokens: next - first, isLast: isLast && next === end };
  }
}
