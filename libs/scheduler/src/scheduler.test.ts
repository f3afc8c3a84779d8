import { CacheLayout, KvCachePool, type SequenceCache } from '@ringmesh/kv-cache';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MIN_TOKENS, PrefillPace } from './prefill-pace.js';
import { MAX_CUT_PROMPTS, type Schedule, Scheduler, type SchedulerLimits } from './scheduler.js';
import { Sequence, type Turn } from './sequence.js';

const LAYOUT = new CacheLayout([{ rowBytes: [4, 4], stateLength: 0 }]);
const BYTES_PER_TOKEN = LAYOUT.bytesFor(1);
/** SequenceCache's step of growth. */
const BLOCK_TOKENS = 64;

class Job extends Sequence<SequenceCache> {
  /** Tokens that were ever computed: what is computed again after a preemption serves nobody. */
  numServed = 0;

  constructor(
    readonly arrival: number,
    readonly promptLength: number,
    readonly maxTokens: number,
    cacheSalt: string | null,
    turn: Turn,
  ) {
    super(
      `job-${arrival}`,
      Array.from({ length: promptLength }, (_, position) => position),
      turn,
      cacheSalt,
    );
  }

  get numEmitted(): number {
    return this.tokenIds.length - this.promptLength;
  }
}

/** The scheduler with the real memory pool, and a model that emits numbers, a second a step. Each step checks what must hold of every step. */
class Simulation {
  readonly pool: KvCachePool;
  readonly scheduler: Scheduler<SequenceCache, Job>;
  readonly jobs: Job[] = [];
  readonly live = new Set<Job>();
  readonly finished: Job[] = [];
  readonly oversized: Job[] = [];
  /** The same as the scheduler's. */
  private readonly pace: PrefillPace;
  private readonly granularity: number;
  now = 0;

  constructor(
    readonly limits: SchedulerLimits,
    blocks: number,
    /** Of all jobs: where it is not null they find what others computed, for all count alike. */
    private readonly cacheSalt: string | null = null,
    /** What a step takes; nothing, where how long streams are held up is no matter. */
    private readonly secondsOf: (numDecoding: number, numPrefill: number) => number = () => 0,
  ) {
    this.pool = new KvCachePool(LAYOUT, blocks * BLOCK_TOKENS * BYTES_PER_TOKEN);
    this.scheduler = new Scheduler(limits, this.pool);
    this.granularity = limits.granularity ?? 1;
    this.pace = new PrefillPace(Math.max(MIN_TOKENS, this.granularity));
  }

  add(promptLength: number, maxTokens: number, turn: Turn = {}): Job {
    const job = new Job(this.jobs.length, promptLength, maxTokens, this.cacheSalt, turn);
    this.jobs.push(job);
    this.live.add(job);
    this.scheduler.add(job);
    return job;
  }

  cancel(job: Job): void {
    this.live.delete(job);
    this.scheduler.remove(job);
    expect(job.memory).toBeNull();
  }

  /** @param fails the model does: what was in the step is given up, as the engine does */
  step(fails = false): Schedule<Job> {
    const runningBefore = this.running();
    const schedule = this.scheduler.schedule(++this.now);
    for (const job of [...schedule.expired, ...schedule.oversized]) this.live.delete(job);
    this.oversized.push(...schedule.oversized);
    this.check(schedule, runningBefore);
    if (fails) for (const { sequence } of schedule.chunks) this.cancel(sequence);
    else this.compute(schedule);
    return schedule;
  }

  /** Steps until nothing is left. */
  drain(): void {
    for (let steps = 0; this.live.size > 0; steps++) {
      expect(steps).toBeLessThan(20_000);
      this.step();
    }
    expect(this.pool.bytesInUse).toBe(0);
  }

  /** By rank. */
  running(): Job[] {
    return [...this.live].filter(({ memory }) => memory !== null).sort((a, b) => (a.givesWayTo(b) ? 1 : -1));
  }

  waiting(): Job[] {
    return [...this.live].filter(({ memory }) => memory === null);
  }

  /** Tokens of a running one that a step computes if the budget is no matter. */
  private mostOf(job: Job): number {
    if (this.granularity === 1) return job.numPending;
    return job.numComputed < job.promptLength ? job.promptLength - job.numComputed : 1;
  }

  private compute(schedule: Schedule<Job>): void {
    for (const { sequence, numTokens } of schedule.chunks) {
      const { memory, tokenIds, numComputed } = sequence;
      memory!.advance(tokenIds.slice(numComputed, numComputed + numTokens));
    }
    const numDecoding = schedule.chunks.filter(({ sequence }) => sequence.isDecoding(this.granularity)).length;
    const numPrefill = schedule.chunks.reduce((sum, { numTokens }) => sum + numTokens, -numDecoding);
    const seconds = this.secondsOf(numDecoding, numPrefill);
    this.pace.observe({ numDecoding, numPrefill, seconds });
    this.scheduler.commit(schedule, seconds);
    for (const { sequence, isLast } of schedule.chunks) {
      expect(isLast).toBe(sequence.numPending === 0);
      sequence.numServed = Math.max(sequence.numServed, sequence.numComputed);
      if (!isLast) continue;
      sequence.tokenIds.push(1000 + sequence.numEmitted);
      if (sequence.numEmitted < sequence.maxTokens) continue;
      this.cancel(sequence);
      this.finished.push(sequence);
    }
  }

  private check(given: Schedule<Job>, runningBefore: Job[]): void {
    const { scheduler, live } = this;
    // Who gave way to one that turned out not to fit may have its place again at once.
    const preempted = given.oversized.length > 0 ? given.preempted.filter(({ memory }) => memory === null) : given.preempted;
    const schedule = { ...given, preempted };
    expect(scheduler.numRunning).toBe(this.running().length);
    expect(scheduler.numRunning + scheduler.numWaiting).toBe(live.size);
    this.checkBudget(schedule);
    this.checkCuts(schedule);
    this.checkMemory(schedule);
    this.checkTurns(schedule, runningBefore);
    expect(schedule.expired.every(({ deadline }) => deadline <= this.now)).toBe(true);
    expect([...live].every(({ deadline }) => deadline > this.now)).toBe(true);
  }

  /** Prompts are cut at multiples of the granularity only. */
  private checkCuts({ chunks }: Schedule<Job>): void {
    for (const { sequence, numTokens } of chunks) {
      const end = sequence.numComputed + numTokens;
      if (end < sequence.promptLength) expect(end % this.granularity).toBe(0);
      // And what follows it is computed as it was the first time.
      if (this.granularity > 1 && end > sequence.promptLength) expect(numTokens).toBe(1);
    }
  }

  /** The budget is kept and not wasted, but for less than a granularity, and comes to all that decode first. */
  private checkBudget({ chunks }: Schedule<Job>): void {
    const { limits, live } = this;
    const total = chunks.reduce((sum, { numTokens }) => sum + numTokens, 0);
    const tokens = new Map(chunks.map(({ sequence, numTokens }) => [sequence, numTokens]));
    const running = this.running();
    expect(tokens.size).toBe(chunks.length);
    expect(chunks.map(({ sequence }) => sequence)).toEqual(running.filter((job) => tokens.has(job)));
    expect(running.length).toBeLessThanOrEqual(limits.maxNumSeqs);
    expect(total).toBeLessThanOrEqual(limits.maxNumBatchedTokens);
    if (live.size > 0) expect(chunks.length).toBeGreaterThan(0);
    const decoding = running.filter((job) => job.isDecoding(this.granularity));
    for (const job of decoding) expect(tokens.get(job)).toBe(1);
    const forPrompts = Math.min(limits.maxNumBatchedTokens - decoding.length, this.pace.limit(decoding.length));
    if (running.some((job) => (tokens.get(job) ?? 0) < this.mostOf(job))) {
      expect(total).toBeLessThanOrEqual(decoding.length + forPrompts);
      expect(total).toBeGreaterThan(decoding.length + forPrompts - this.granularity);
    }
    const prefill = running.find((job) => !job.isDecoding(this.granularity));
    if (prefill !== undefined) {
      expect(tokens.get(prefill) ?? 0).toBeGreaterThanOrEqual(Math.min(this.mostOf(prefill), forPrompts / 2));
    }
  }

  /** Only who runs holds memory, and who computes holds enough. */
  private checkMemory({ chunks, preempted, expired, oversized }: Schedule<Job>): void {
    const { pool } = this;
    expect(pool.bytesInUse).toBeLessThanOrEqual(pool.byteLimit);
    const held = new Set(this.running().flatMap(({ memory }) => [...memory!.memory.blockTable]));
    expect(pool.bytesInUse).toBe(held.size * BLOCK_TOKENS * BYTES_PER_TOKEN);
    for (const { sequence, numTokens } of chunks) {
      expect(numTokens).toBeGreaterThan(0);
      expect(sequence.memory!.length).toBe(sequence.numComputed);
      expect(sequence.memory!.memory.blockTable.length * BLOCK_TOKENS).toBeGreaterThanOrEqual(sequence.numComputed + numTokens);
    }
    for (const job of [...preempted, ...expired, ...oversized]) expect(job).toMatchObject({ memory: null, numComputed: 0 });
  }

  /** The more urgent first, and nobody before whoever was admitted earlier. */
  private checkTurns({ chunks, preempted }: Schedule<Job>, runningBefore: Job[]): void {
    const running = this.running();
    const waiting = this.waiting();
    const tokens = new Map(chunks.map(({ sequence, numTokens }) => [sequence, numTokens]));
    for (const victim of preempted) expect(running.every((job) => victim.givesWayTo(job))).toBe(true);
    const mostUrgent = Math.min(...waiting.map(({ priority }) => priority));
    for (const job of running.filter((candidate) => !runningBefore.includes(candidate))) {
      expect(job.priority).toBeLessThanOrEqual(mostUrgent);
    }
    for (const job of waiting.filter(({ admission }) => admission !== null)) {
      expect(running.every((other) => other.priority !== job.priority || job.givesWayTo(other))).toBe(true);
    }
    // Who is less urgent than one that waits runs on only where memory has just run out, or the other could not be computed now anyway.
    if (running.some(({ priority }) => priority > mostUrgent) && preempted.length === 0) {
      const cut = running.filter((job) => job.priority <= mostUrgent && (tokens.get(job) ?? 0) < this.mostOf(job));
      expect(cut.length).toBeGreaterThanOrEqual(MAX_CUT_PROMPTS);
    }
  }
}

const limits = fc
  .record({
    maxNumSeqs: fc.integer({ min: 1, max: 8 }),
    spare: fc.integer({ min: 0, max: 100 }),
    granularity: fc.constantFrom(1, BLOCK_TOKENS),
  })
  .map(({ maxNumSeqs, spare, granularity }) => ({
    maxNumSeqs,
    maxNumBatchedTokens: maxNumSeqs - 1 + granularity + spare,
    granularity,
  }));

const salt = fc.constantFrom(null, 'shared');

/** A machine on which prompts cost little or much beside a decode, and one without a clock. */
const stepSeconds = fc.constantFrom(0, 0.01, 0.3).map(
  (cost) =>
    (numDecoding: number, numPrefill: number): number =>
      cost * (1 + 0.1 * numDecoding + cost * numPrefill),
);

const action = fc.oneof(
  fc.record({
    type: fc.constant('add' as const),
    prompt: fc.integer({ min: 1, max: 300 }),
    maxTokens: fc.integer({ min: 1, max: 150 }),
    priority: fc.integer({ min: -1, max: 1 }),
    tenant: fc.constantFrom('', 'a', 'b'),
    timeout: fc.option(fc.integer({ min: 1, max: 100 }), { nil: Infinity, freq: 4 }),
  }),
  fc.record({ type: fc.constant('cancel' as const), which: fc.nat() }),
  fc.record({ type: fc.constant('steps' as const), count: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ type: fc.constant('failing step' as const) }),
);

/** Steps until it has had a token of its prompt computed. */
function untilStarted(simulation: Simulation, job: Job): void {
  while (job.numServed === 0) simulation.step();
}

describe('Scheduler', () => {
  it('keeps its limits and its order whatever comes, and everything that fits finishes', () => {
    fc.assert(
      fc.property(
        limits,
        fc.integer({ min: 1, max: 12 }),
        salt,
        stepSeconds,
        fc.array(action, { minLength: 1, maxLength: 30 }),
        (limit, blocks, cacheSalt, secondsOf, actions) => {
          const simulation = new Simulation(limit, blocks, cacheSalt, secondsOf);
          for (const next of actions) {
            if (next.type === 'add') {
              const { prompt, maxTokens, priority, tenant, timeout } = next;
              simulation.add(prompt, maxTokens, { priority, tenant, deadline: simulation.now + timeout });
            }
            if (next.type === 'steps') for (let i = 0; i < next.count; i++) simulation.step();
            if (next.type === 'failing step') simulation.step(true);
            if (next.type === 'cancel' && simulation.live.size > 0) {
              simulation.cancel([...simulation.live][next.which % simulation.live.size]!);
            }
          }
          simulation.drain();
          for (const job of simulation.finished) {
            expect(job.tokenIds.slice(job.promptLength)).toEqual(Array.from({ length: job.maxTokens }, (_, index) => 1000 + index));
          }
          for (const job of simulation.oversized) expect(job.tokenIds.length).toBeGreaterThan(blocks * BLOCK_TOKENS);
          // First come, first served, within a tenant and a priority.
          const queues = Map.groupBy(
            simulation.jobs.filter(({ admission }) => admission !== null),
            ({ tenant, priority }) => `${tenant} ${priority}`,
          );
          for (const [, jobs] of queues) {
            const admissions = jobs.map(({ admission }) => admission!);
            expect(admissions).toEqual(admissions.toSorted((a, b) => a - b));
          }
        },
      ),
      { numRuns: 300, seed: 1 },
    );
  });

  it('serves tenants that always wait the same number of tokens, but for what runs, whatever they ask for', () => {
    const sizes = fc.record({ prompt: fc.integer({ min: 10, max: 100 }), maxTokens: fc.integer({ min: 5, max: 40 }) });
    fc.assert(
      fc.property(fc.array(sizes, { minLength: 4, maxLength: 4 }), fc.integer({ min: 3, max: 12 }), ([a, b, c, urgent], blocks) => {
        const simulation = new Simulation({ maxNumSeqs: 2, maxNumBatchedTokens: 50 }, blocks);
        const tenants = Object.entries({ a: a!, b: b!, c: c! });
        for (const [tenant, { prompt, maxTokens }] of tenants) {
          for (let count = 0; count < 2500 / (prompt + maxTokens); count++) simulation.add(prompt, maxTokens, { tenant });
        }
        const served = (tenant: string): number =>
          simulation.jobs.reduce((sum, job) => (job.tenant === tenant ? sum + job.numServed : sum), 0);
        const isWaiting = ([tenant]: [string, unknown]): boolean => simulation.waiting().some((job) => job.tenant === tenant);
        // A prompt that was charged ahead of the others; and what ran of it then.
        const bound = 100 + 2 * (100 + 40);
        while (tenants.every(isWaiting)) {
          if (simulation.now % 50 === 0) simulation.add(urgent!.prompt, urgent!.maxTokens, { priority: -1, tenant: 'a' });
          simulation.step();
          if (simulation.now % 20 !== 0) continue;
          const amounts = tenants.map(([tenant]) => served(tenant));
          const extra = simulation.jobs.reduce((sum, job) => (job.priority < 0 ? sum + job.numServed : sum), 0);
          amounts[0]! -= extra;
          expect(Math.max(...amounts) - Math.min(...amounts)).toBeLessThanOrEqual(bound);
        }
        expect(served('b')).toBeGreaterThan(3 * bound);
      }),
      { numRuns: 15, seed: 1 },
    );
  });

  it('admits the one request of a tenant next, though another has a thousand in the queue and more in use', () => {
    const simulation = new Simulation({ maxNumBatchedTokens: 64, maxNumSeqs: 4 }, 100);
    for (let count = 0; count < 1000; count++) simulation.add(10, 20, { tenant: 'a' });
    for (let step = 0; step < 100; step++) simulation.step();
    const single = simulation.add(10, 20, { tenant: 'b' });
    const before = simulation.jobs.filter(({ admission }) => admission !== null).length;
    untilStarted(simulation, single);
    expect(single.admission! - before).toBeLessThanOrEqual(1);
  });

  it('cuts a long prompt into chunks around the decodes that go on meanwhile', () => {
    const simulation = new Simulation({ maxNumBatchedTokens: 16, maxNumSeqs: 4 }, 100);
    simulation.add(5, 100);
    for (let step = 0; step < 2; step++) simulation.step();
    simulation.add(40, 100);
    const steps = Array.from({ length: 4 }, () => simulation.step().chunks.map(({ numTokens, isLast }) => ({ numTokens, isLast })));
    const decode = { numTokens: 1, isLast: true };
    expect(steps).toEqual([
      [decode, { numTokens: 15, isLast: false }],
      [decode, { numTokens: 15, isLast: false }],
      [decode, { numTokens: 10, isLast: true }],
      [decode, decode],
    ]);
  });

  it('gives prompts whole blocks only, where it is told to, and computes again what was emitted token by token', () => {
    const simulation = new Simulation({ maxNumBatchedTokens: 100, maxNumSeqs: 4, granularity: BLOCK_TOKENS }, 3);
    const chunksOf = (steps: number): number[][] =>
      Array.from({ length: steps }, () => simulation.step().chunks.map(({ numTokens }) => numTokens));
    const oldest = simulation.add(60, 100);
    expect(chunksOf(2)).toEqual([[60], [1]]);
    const youngest = simulation.add(100, 100);
    expect(chunksOf(3)).toEqual([
      [1, 64],
      [1, 36],
      [1, 1],
    ]);
    while (youngest.memory !== null) simulation.step();
    simulation.cancel(oldest);
    expect(youngest.numEmitted).toBe(2);
    expect(chunksOf(3)).toEqual([[100], [1], [1]]);
    expect(youngest.numEmitted).toBe(3);
  });

  it('holds up streams no more than 2.5 times as long for a long prompt, and computes it nevertheless', () => {
    const secondsOf = (numDecoding: number, numPrefill: number): number => 0.01 + 0.001 * numDecoding + 0.0005 * numPrefill;
    const simulation = new Simulation({ maxNumBatchedTokens: 512, maxNumSeqs: 64 }, 1000, null, secondsOf);
    for (let count = 0; count < 16; count++) simulation.add(20, 1000);
    for (let step = 0; step < 10; step++) simulation.step();
    const long = simulation.add(4000, 1);
    const steps: number[] = [];
    while (simulation.live.has(long)) {
      const { chunks } = simulation.step();
      expect(chunks.filter(({ numTokens }) => numTokens === 1)).toHaveLength(16);
      steps.push(
        secondsOf(
          16,
          chunks.reduce((sum, { numTokens }) => sum + numTokens, -16),
        ),
      );
    }
    expect(Math.max(...steps)).toBeLessThan(2.6 * secondsOf(16, 0));
    expect(steps.length).toBeLessThan(70); // 78 tokens a step
  });

  it('lets short prompts pass long ones, which take no more than twice the steps for it', () => {
    const simulation = new Simulation({ maxNumBatchedTokens: 100, maxNumSeqs: 64 }, 1000);
    const long = simulation.add(5000, 1);
    const longer = simulation.add(6000, 1);
    simulation.step();
    let steps = 1;
    for (; simulation.live.has(long); steps++) {
      const short = simulation.add(20, 1);
      simulation.step();
      expect(simulation.live.has(short)).toBe(false);
    }
    expect(steps).toBeGreaterThan(50);
    expect(steps).toBeLessThanOrEqual(100);
    expect(longer.numServed).toBeLessThan(5000);
  });

  it('lets no stream of short prompts hold back a long one, nor the long ones too many at once', () => {
    const simulation = new Simulation({ maxNumBatchedTokens: 100, maxNumSeqs: 64 }, 10_000);
    const long = Array.from({ length: 10 }, (_, index) => simulation.add(2000 - index, 1));
    simulation.step();
    expect(simulation.scheduler.numRunning).toBe(MAX_CUT_PROMPTS);
    for (let step = 0; simulation.live.has(long[0]!); step++) {
      expect(step).toBeLessThanOrEqual(40);
      for (let count = 0; count < 10; count++) simulation.add(20, 1);
      simulation.step();
    }
  });

  it('starts an urgent one at once, at the cost of who is less urgent: of its slot', () => {
    const simulation = new Simulation({ maxNumBatchedTokens: 64, maxNumSeqs: 2 }, 100);
    const patient = simulation.add(10, 50, { priority: 5 });
    const normal = simulation.add(10, 50);
    for (let step = 0; step < 10; step++) simulation.step();
    const urgent = simulation.add(10, 5, { priority: -1 });
    const { chunks, preempted } = simulation.step();
    expect(preempted).toEqual([patient]);
    expect(chunks.map(({ sequence }) => sequence)).toEqual([urgent, normal]);
    const alsoNormal = simulation.add(10, 5);
    simulation.drain();
    expect(simulation.finished).toEqual([urgent, alsoNormal, normal, patient]);
  });

  it('and of its memory', () => {
    const simulation = new Simulation({ maxNumBatchedTokens: 512, maxNumSeqs: 8 }, 4);
    const [normal, patient, youngest] = [0, 1, 1].map((priority) => simulation.add(60, 50, { priority }));
    simulation.step();
    const urgent = simulation.add(120, 5, { priority: 0 });
    expect(simulation.step().preempted).toEqual([youngest]);
    expect(simulation.running()).toEqual([normal, urgent, patient]);
    // Memory that is enough for another patient one is kept for the one that is more urgent.
    simulation.add(190, 1, { priority: 0 });
    simulation.add(1, 1, { priority: 1 });
    expect(simulation.step().preempted).toContain(patient);
    expect(simulation.running()).toEqual([normal, urgent]);
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

  it('lets who was preempted go first, whatever its tenant was served', () => {
    const simulation = new Simulation({ maxNumBatchedTokens: 512, maxNumSeqs: 4 }, 2);
    simulation.add(60, 10, { tenant: 'a' });
    const youngest = simulation.add(60, 10, { tenant: 'a' });
    while (youngest.memory !== null || youngest.numServed === 0) simulation.step();
    const other = simulation.add(10, 5, { tenant: 'b' });
    simulation.drain();
    expect(simulation.finished.indexOf(youngest)).toBe(1);
    expect(simulation.finished.indexOf(other)).toBe(2);
  });

  it('takes out who passes its deadline, in the queue and while it runs', () => {
    const simulation = new Simulation({ maxNumBatchedTokens: 64, maxNumSeqs: 1 }, 100);
    const running = simulation.add(10, 50, { deadline: 5 });
    const waiting = simulation.add(10, 50, { deadline: 3 });
    const patient = simulation.add(10, 5, { deadline: 100 });
    const expired = Array.from({ length: 5 }, () => simulation.step().expired);
    expect(expired).toEqual([[], [], [waiting], [], [running]]);
    expect(running.numEmitted).toBe(4);
    simulation.drain();
    expect(simulation.finished).toEqual([patient]);
  });

  it('gives up on a sequence only when it does not fit alone: as a prompt, or once it has grown', () => {
    const simulation = new Simulation({ maxNumBatchedTokens: 512, maxNumSeqs: 4 }, 2);
    const prompt = simulation.add(129, 1);
    const grown = simulation.add(120, 100);
    const small = simulation.add(10, 1);
    simulation.drain();
    expect(simulation.oversized).toEqual([prompt, grown]);
    expect(grown.tokenIds).toHaveLength(129);
    expect(simulation.finished).toEqual([small]);
  });
});
