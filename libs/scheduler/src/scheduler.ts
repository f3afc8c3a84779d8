import { AdmissionQueue } from './admission-queue.js';
import { MIN_TOKENS, PrefillPace } from './prefill-pace.js';
import { mostOf, prefillShares } from './prefill-shares.js';
import type { MemoryPool, Sequence, SequenceMemory } from './sequence.js';

export interface SchedulerLimits {
  /**
   * Tokens of one step at most, prefill and decode together; at least maxNumSeqs − 1 and a granularity, so that every running sequence can decode,
   * and a prompt beside them get on.
   */
  maxNumBatchedTokens: number;
  /** Running sequences at most. */
  maxNumSeqs: number;
  /**
   * A prompt is cut at multiples of so many tokens only, which are whole blocks of the memory, and what follows it is computed one token a step, also
   * when it is computed again; 1, and neither of it, unless given.
   */
  granularity?: number | undefined;
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
  /** The most urgent first. */
  chunks: Chunk<S>[];
  /**
   * They lost their memory: their prompt and emitted tokens will be computed again. Back in the queue, unless who they gave way to is among the
   * oversized and they could come back at once.
   */
  preempted: S[];
  /** Removed: their deadline has passed. */
  expired: S[];
  /** Removed: even alone they do not fit into the memory. */
  oversized: S[];
}

/** Prompts that a step may cut short, of those that are as urgent as the next one in the queue or more so: while there are more, it waits. */
export const MAX_CUT_PROMPTS = 4;

/**
 * Decides what each step computes: continuous batching with chunked prefill; docs/scheduling.md has the policy and what it promises.
 *
 * The queue decides once who comes next. From then on a sequence has a rank, by priority and then by admission, which it keeps when it is
 * preempted: memory is given in the order of ranks, and taken from the last one. So the first of the most urgent always finishes, and then
 * the next.
 */
export class Scheduler<M extends SequenceMemory, S extends Sequence<M>> {
  private readonly queue = new AdmissionQueue<S>();
  /** By rank. */
  private readonly running: S[] = [];
  /** All that wait or run. */
  private readonly live = new Set<S>();
  private readonly granularity: number;
  private readonly pace: PrefillPace;
  private admissions = 0;

  constructor(
    private readonly limits: SchedulerLimits,
    private readonly pool: MemoryPool<M>,
  ) {
    this.granularity = limits.granularity ?? 1;
    this.pace = new PrefillPace(Math.max(MIN_TOKENS, this.granularity));
  }

  get numWaiting(): number {
    return this.live.size - this.running.length;
  }

  get numRunning(): number {
    return this.running.length;
  }

  add(sequence: S): void {
    this.queue.add(sequence);
    this.live.add(sequence);
  }

  /** Takes a sequence out, whatever it is doing, and frees its memory. */
  remove(sequence: S): void {
    if (!this.live.delete(sequence)) return;
    this.queue.remove(sequence);
    if (this.running.includes(sequence)) this.stop(sequence);
  }

  /** Plans a step. The memory for it is reserved; {@link commit} follows once it is computed. @param now on the clock of the deadlines */
  schedule(now: number): Schedule<S> {
    const schedule: Schedule<S> = { chunks: [], preempted: [], expired: this.expire(now), oversized: [] };
    this.growRunning(schedule);
    // Memory just ran out: what is waiting would only take it from those who run.
    if (schedule.preempted.length === 0) this.admitWaiting(schedule);
    const tokens = this.shareBudget();
    for (const [index, sequence] of this.running.entries()) {
      const numTokens = tokens[index]!;
      if (numTokens > 0) schedule.chunks.push({ sequence, numTokens, isLast: numTokens === sequence.numPending });
    }
    return schedule;
  }

  /** Counts the tokens of a computed step. Sampled tokens are appended after this. @param seconds that it took */
  commit({ chunks }: Schedule<S>, seconds: number): void {
    const decoding = chunks.filter(({ sequence }) => sequence.isDecoding(this.granularity));
    const numTokens = chunks.reduce((sum, chunk) => sum + chunk.numTokens, 0);
    this.pace.observe({ numDecoding: decoding.length, numPrefill: numTokens - decoding.length, seconds });
    for (const { sequence, numTokens, isLast } of chunks) {
      sequence.numComputed += numTokens;
      if (isLast) this.queue.charge(sequence, 1);
    }
  }

  /** Counts one more token that a step has computed of a sequence: a guess that came true and was appended. */
  count(sequence: S): void {
    sequence.numComputed++;
    this.queue.charge(sequence, 1);
  }

  private expire(now: number): S[] {
    const expired: S[] = [];
    for (const sequence of this.live) if (sequence.deadline <= now) expired.push(sequence);
    for (const sequence of expired) this.remove(sequence);
    return expired;
  }

  /** Reserves what the running ones need, at the cost of the last ones. */
  private growRunning(schedule: Schedule<S>): void {
    for (let index = 0; index < this.running.length; index++) {
      const sequence = this.running[index]!;
      while (!sequence.memory!.reserve(sequence.numPending)) {
        const last = this.running.at(-1)!;
        if (this.running.length === 1) this.giveUp(last, schedule);
        else this.preempt(last, schedule);
        if (last === sequence) return;
      }
    }
  }

  private admitWaiting(schedule: Schedule<S>): void {
    for (let next = this.queue.peek(); next !== undefined; next = this.queue.peek()) {
      if (this.numCutShort(next.priority) >= MAX_CUT_PROMPTS) return;
      if (this.makeRoom(next, schedule)) this.start(next);
      else if (this.running.length > 0) return;
      else this.giveUp(next, schedule);
    }
  }

  /** Gives one that waits its memory, at the cost of less urgent ones. @returns false where it has to wait on */
  private makeRoom(next: S, schedule: Schedule<S>): boolean {
    while (this.running.length >= this.limits.maxNumSeqs) {
      if (!this.preemptFor(next, schedule)) return false;
    }
    next.memory = this.pool.open(next);
    next.numComputed = next.memory.length;
    // Room for all known tokens at once: a prompt that could not be prefilled to its end would be computed in vain.
    while (!next.memory.reserve(next.numPending)) {
      if (this.preemptFor(next, schedule)) continue;
      this.free(next);
      return false;
    }
    return true;
  }

  private start(next: S): void {
    this.queue.shift();
    if (next.admission === null) {
      next.admission = this.admissions++;
      this.queue.charge(next, next.numPending);
    }
    const index = this.running.findIndex((other) => other.givesWayTo(next));
    this.running.splice(index < 0 ? this.running.length : index, 0, next);
  }

  /** Preempts the last one if it is less urgent. */
  private preemptFor({ priority }: S, schedule: Schedule<S>): boolean {
    const last = this.running.at(-1);
    if (last === undefined || last.priority <= priority) return false;
    this.preempt(last, schedule);
    return true;
  }

  private preempt(sequence: S, schedule: Schedule<S>): void {
    this.stop(sequence);
    this.queue.putBack(sequence);
    schedule.preempted.push(sequence);
  }

  private giveUp(sequence: S, schedule: Schedule<S>): void {
    this.remove(sequence);
    schedule.oversized.push(sequence);
  }

  private stop(sequence: S): void {
    this.running.splice(this.running.indexOf(sequence), 1);
    this.free(sequence);
  }

  private free(sequence: S): void {
    sequence.memory?.release();
    sequence.memory = null;
    sequence.numComputed = 0;
  }

  /** Prompts, as urgent as this or more so, that the budget cuts short. */
  private numCutShort(priority: number): number {
    const shares = this.shareBudget();
    const isCut = (sequence: S, index: number): boolean => shares[index]! < mostOf(sequence, this.granularity);
    return this.running.filter((sequence, index) => sequence.priority <= priority && isCut(sequence, index)).length;
  }

  /** @returns tokens of each running sequence: one of each that decodes, and of the prompts what holds these up neither now nor for long */
  private shareBudget(): number[] {
    const prompts = this.running.filter((sequence) => !sequence.isDecoding(this.granularity));
    const numDecoding = this.running.length - prompts.length;
    const budget = Math.min(this.limits.maxNumBatchedTokens - numDecoding, this.pace.limit(numDecoding));
    const shares = prefillShares(prompts, budget, this.granularity).values();
    return this.running.map((sequence) => (sequence.isDecoding(this.granularity) ? 1 : shares.next().value!));
  }
}
