import type { MemoryPool, Sequence, SequenceMemory } from './sequence.js';

export interface SchedulerLimits {
  /** Tokens of one step at most, prefill and decode together; at least maxNumSeqs, so that every running sequence can decode. */
  maxNumBatchedTokens: number;
  /** Running sequences at most. */
  maxNumSeqs: number;
}

/** One sequence's part of a step: the `numTokens` tokens after its computed ones. */
export interface Chunk<S> {
  sequence: S;
  numTokens: number;
  /** No token is left after these, so the next one can be sampled. False for a prompt cut short by the budget. */
  isLast: boolean;
}

/** What one step computes, and what had to give way to it. */
export interface Schedule<S> {
  chunks: Chunk<S>[];
  /** Back in the queue, without memory: their prompt and emitted tokens will be computed again. */
  preempted: S[];
  /** Removed: even alone they do not fit into the memory. */
  oversized: S[];
}

/**
 * Decides what each step computes: continuous batching with chunked prefill, first come, first served.
 *
 * Sequences keep their order of arrival throughout: the running ones came before the waiting ones, and who is preempted goes back to the
 * front. A prompt that the budget cuts short takes what is left of it, so nothing is admitted behind it: only the youngest running sequence
 * can be in prefill, and going through the running ones in order serves decode first. The oldest is never preempted, so all finish.
 */
export class Scheduler<M extends SequenceMemory, S extends Sequence<M>> {
  private readonly waiting: S[] = [];
  private readonly running: S[] = [];

  constructor(
    private readonly limits: SchedulerLimits,
    private readonly pool: MemoryPool<M>,
  ) {}

  get numWaiting(): number {
    return this.waiting.length;
  }

  get numRunning(): number {
    return this.running.length;
  }

  add(sequence: S): void {
    this.waiting.push(sequence);
  }

  /** Takes a sequence out, whatever it is doing, and frees its memory. */
  remove(sequence: S): void {
    for (const queue of [this.running, this.waiting]) {
      const index = queue.indexOf(sequence);
      if (index >= 0) queue.splice(index, 1);
    }
    this.free(sequence);
  }

  /** Plans a step. The memory for it is reserved; {@link commit} follows once it is computed. */
  schedule(): Schedule<S> {
    const schedule: Schedule<S> = { chunks: [], preempted: [], oversized: [] };
    const left = this.continueRunning(schedule);
    // Memory just ran out: what is waiting would only take it from those who run.
    if (schedule.preempted.length === 0) this.admitWaiting(schedule, left);
    return schedule;
  }

  /** Counts the tokens of a computed step. Sampled tokens are appended after this. */
  commit({ chunks }: Schedule<S>): void {
    for (const { sequence, numTokens } of chunks) sequence.numComputed += numTokens;
  }

  /** @returns what is left of the budget */
  private continueRunning(schedule: Schedule<S>): number {
    let budget = this.limits.maxNumBatchedTokens;
    for (let index = 0; index < this.running.length; index++) {
      const sequence = this.running[index]!;
      if (budget === 0) break;
      const numTokens = nextChunk(sequence, budget);
      if (!this.grow(sequence, numTokens, schedule)) break; // it was the last one
      schedule.chunks.push(chunk(sequence, numTokens));
      budget -= numTokens;
    }
    return budget;
  }

  private admitWaiting(schedule: Schedule<S>, budget: number): void {
    while (budget > 0 && this.waiting.length > 0 && this.running.length < this.limits.maxNumSeqs) {
      const sequence = this.waiting[0]!;
      sequence.memory = this.pool.open(sequence);
      sequence.numComputed = sequence.memory.length;
      // Room for all known tokens at once: a prompt that could not be prefilled to its end would be computed in vain.
      if (sequence.memory.reserve(sequence.numPending)) {
        this.running.push(this.waiting.shift()!);
        const numTokens = nextChunk(sequence, budget);
        schedule.chunks.push(chunk(sequence, numTokens));
        budget -= numTokens;
      } else {
        this.free(sequence);
        if (this.running.length > 0) return;
        schedule.oversized.push(this.waiting.shift()!);
      }
    }
  }

  /** Makes room for a running sequence, at the cost of the youngest ones. @returns false where it had to go itself */
  private grow(sequence: S, numTokens: number, schedule: Schedule<S>): boolean {
    while (!sequence.memory!.reserve(numTokens)) {
      const youngest = this.running.pop()!;
      this.free(youngest);
      if (this.running.length === 0) {
        schedule.oversized.push(youngest);
        return false;
      }
      this.waiting.unshift(youngest);
      schedule.preempted.push(youngest);
      if (youngest === sequence) return false;
    }
    return true;
  }

  private free(sequence: S): void {
    sequence.memory?.release();
    sequence.memory = null;
    sequence.numComputed = 0;
  }
}

function nextChunk(sequence: Sequence<SequenceMemory>, budget: number): number {
  return sequence.memory!.chunkOf(Math.min(sequence.numPending, budget));
}

function chunk<S extends Sequence<SequenceMemory>>(sequence: S, numTokens: number): Chunk<S> {
  return { sequence, numTokens, isLast: numTokens === sequence.numPending };
}
