import { CacheLayout, KvCachePool, type SequenceCache } from '@ringmesh/kv-cache';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Schedule, Scheduler, type SchedulerLimits } from './scheduler.js';
import { Sequence } from './sequence.js';

const LAYOUT = new CacheLayout([{ rowBytes: [4, 4], stateLength: 0 }]);
const BYTES_PER_TOKEN = LAYOUT.bytesFor(1);
/** SequenceCache's step of growth. */
const BLOCK_TOKENS = 64;

class Job extends Sequence<SequenceCache> {
  constructor(
    readonly arrival: number,
    readonly promptLength: number,
    readonly maxTokens: number,
  ) {
    super(
      `job-${arrival}`,
      Array.from({ length: promptLength }, (_, position) => position),
      null,
    );
  }

  get numEmitted(): number {
    return this.tokenIds.length - this.promptLength;
  }
}

/** The scheduler with the real memory pool, and a model that emits numbers. Each step checks what must hold of every step. */
class Simulation {
  readonly pool: KvCachePool;
  readonly scheduler: Scheduler<SequenceCache, Job>;
  readonly live = new Set<Job>();
  readonly finished: Job[] = [];
  readonly oversized: Job[] = [];
  readonly firstScheduled: number[] = [];
  private arrivals = 0;

  constructor(
    readonly limits: SchedulerLimits,
    blocks: number,
  ) {
    this.pool = new KvCachePool(LAYOUT, blocks * BLOCK_TOKENS * BYTES_PER_TOKEN);
    this.scheduler = new Scheduler(limits, this.pool);
  }

  add(promptLength: number, maxTokens: number): Job {
    const job = new Job(this.arrivals++, promptLength, maxTokens);
    this.live.add(job);
    this.scheduler.add(job);
    return job;
  }

  cancel(job: Job): void {
    this.live.delete(job);
    this.scheduler.remove(job);
    expect(job.memory).toBeNull();
  }

  step(): Schedule<Job> {
    const schedule = this.scheduler.schedule();
    for (const job of schedule.oversized) {
      this.live.delete(job);
      this.oversized.push(job);
    }
    this.check(schedule);
    for (const { sequence, numTokens } of schedule.chunks) {
      if (!this.firstScheduled.includes(sequence.arrival)) this.firstScheduled.push(sequence.arrival);
      sequence.memory!.advance(sequence.tokenIds.slice(sequence.numComputed, sequence.numComputed + numTokens));
    }
    this.scheduler.commit(schedule);
    for (const { sequence, isLast } of schedule.chunks) {
      expect(isLast).toBe(sequence.numPending === 0);
      if (!isLast) continue;
      sequence.tokenIds.push(1000 + sequence.numEmitted);
      if (sequence.numEmitted < sequence.maxTokens) continue;
      this.cancel(sequence);
      this.finished.push(sequence);
    }
    return schedule;
  }

  private check({ chunks, preempted }: Schedule<Job>): void {
    const { scheduler, limits, pool, live } = this;
    const total = chunks.reduce((sum, { numTokens }) => sum + numTokens, 0);
    expect(total).toBeLessThanOrEqual(limits.maxNumBatchedTokens);
    expect(scheduler.numRunning).toBeLessThanOrEqual(limits.maxNumSeqs);
    expect(pool.bytesInUse).toBeLessThanOrEqual(pool.byteLimit);
    // Each live sequence is in exactly one state, and every running one advances.
    expect(scheduler.numRunning + scheduler.numWaiting).toBe(live.size);
    expect(chunks.length).toBe(scheduler.numRunning);
    if (live.size > 0) expect(chunks.length).toBeGreaterThan(0);
    // In order of arrival; all but the last complete, so decode comes before prefill.
    const order = chunks.map(({ sequence }) => sequence.arrival);
    expect(order).toEqual([...new Set(order)].sort((a, b) => a - b));
    expect(chunks.slice(0, -1).every(({ isLast }) => isLast)).toBe(true);
    for (const { sequence, numTokens } of chunks) {
      expect(numTokens).toBeGreaterThan(0);
      expect(sequence.memory!.length).toBe(sequence.numComputed);
      expect(sequence.memory!.memory.blockTable.length * BLOCK_TOKENS).toBeGreaterThanOrEqual(sequence.numComputed + numTokens);
    }
    for (const victim of preempted) {
      expect(victim.memory).toBeNull();
      expect(victim.numComputed).toBe(0);
      expect(order.every((arrival) => arrival < victim.arrival)).toBe(true);
    }
  }
}

const limits = fc
  .record({ maxNumSeqs: fc.integer({ min: 1, max: 6 }), spare: fc.integer({ min: 0, max: 100 }) })
  .map(({ maxNumSeqs, spare }) => ({ maxNumSeqs, maxNumBatchedTokens: maxNumSeqs + spare }));

const action = fc.oneof(
  fc.record({ type: fc.constant('add' as const), prompt: fc.integer({ min: 1, max: 300 }), maxTokens: fc.integer({ min: 1, max: 150 }) }),
  fc.record({ type: fc.constant('cancel' as const), which: fc.nat() }),
  fc.record({ type: fc.constant('steps' as const), count: fc.integer({ min: 1, max: 60 }) }),
);

describe('Scheduler', () => {
  it('keeps its limits and its order whatever comes, and everything that fits finishes', () => {
    fc.assert(
      fc.property(limits, fc.integer({ min: 1, max: 12 }), fc.array(action, { minLength: 1, maxLength: 25 }), (limit, blocks, actions) => {
        const simulation = new Simulation(limit, blocks);
        const cancelled: Job[] = [];
        for (const next of actions) {
          if (next.type === 'add') simulation.add(next.prompt, next.maxTokens);
          if (next.type === 'steps') for (let i = 0; i < next.count; i++) simulation.step();
          if (next.type === 'cancel' && simulation.live.size > 0) {
            const job = [...simulation.live][next.which % simulation.live.size]!;
            simulation.cancel(job);
            cancelled.push(job);
          }
        }
        for (let steps = 0; simulation.live.size > 0; steps++) {
          expect(steps).toBeLessThan(20_000);
          simulation.step();
        }
        expect(simulation.pool.bytesInUse).toBe(0);
        for (const job of simulation.finished) {
          expect(job.tokenIds.slice(job.promptLength)).toEqual(Array.from({ length: job.maxTokens }, (_, index) => 1000 + index));
        }
        for (const job of simulation.oversized) expect(job.tokenIds.length).toBeGreaterThan(blocks * BLOCK_TOKENS);
        // First come, first served: only who never ran is missing from the order of arrival.
        expect(simulation.firstScheduled).toEqual([...simulation.firstScheduled].sort((a, b) => a - b));
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  it('cuts a long prompt into chunks around the decodes that go on meanwhile', () => {
    const simulation = new Simulation({ maxNumBatchedTokens: 16, maxNumSeqs: 4 }, 100);
    simulation.add(5, 100);
    simulation.add(40, 100);
    const steps = Array.from({ length: 5 }, () => simulation.step().chunks.map(({ numTokens, isLast }) => ({ numTokens, isLast })));
    expect(steps).toEqual([
      [
        { numTokens: 5, isLast: true },
        { numTokens: 11, isLast: false },
      ],
      [
        { numTokens: 1, isLast: true },
        { numTokens: 15, isLast: false },
      ],
      [
        { numTokens: 1, isLast: true },
        { numTokens: 14, isLast: true },
      ],
      [
        { numTokens: 1, isLast: true },
        { numTokens: 1, isLast: true },
      ],
      [
        { numTokens: 1, isLast: true },
        { numTokens: 1, isLast: true },
      ],
    ]);
  });

  it('preempts the youngest when memory runs out, and computes its prompt and emitted tokens again', () => {
    const simulation = new Simulation({ maxNumBatchedTokens: 512, maxNumSeqs: 4 }, 2);
    const oldest = simulation.add(60, 10);
    const youngest = simulation.add(60, 10);
    for (let step = 0; step < 5; step++) expect(simulation.step().preempted).toEqual([]);
    expect(simulation.step().preempted).toEqual([youngest]);
    const emitted = youngest.numEmitted;
    expect(emitted).toBeGreaterThan(0);
    while (simulation.live.has(oldest)) simulation.step();
    expect(simulation.step().chunks).toMatchObject([{ sequence: youngest, numTokens: 60 + emitted, isLast: true }]);
  });

  it('gives up on a sequence only when it does not fit alone: as a prompt, or once it has grown', () => {
    const simulation = new Simulation({ maxNumBatchedTokens: 512, maxNumSeqs: 4 }, 2);
    const prompt = simulation.add(129, 1);
    const grown = simulation.add(120, 100);
    const small = simulation.add(10, 1);
    while (simulation.live.size > 0) simulation.step();
    expect(simulation.oversized).toEqual([prompt, grown]);
    expect(grown.tokenIds).toHaveLength(129);
    expect(simulation.finished).toEqual([small]);
  });
});
