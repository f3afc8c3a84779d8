import { DeadlineExceededError, EngineFailedError, errorToMessage, type StepProfile } from '@ringmesh/core';
import type { Dispatcher } from '@ringmesh/dispatch';
import { MatcherCache } from '@ringmesh/grammar';
import type { SequenceCache } from '@ringmesh/kv-cache';
import type { Model, Segment } from '@ringmesh/model';
import { Sampler, uniform } from '@ringmesh/sampler';
import { type Schedule, Scheduler, type SchedulerLimits } from '@ringmesh/scheduler';
import { ActiveGeneration } from './active-generation.js';
import { engineError } from './engine-error.js';
import type { EngineStats, GenerationRequest } from './generation.js';
import { type Piece, SeparateForward } from './separate-forward.js';
import { type DraftedChunk, MAX_DRAFTED_STEP_TOKENS, Speculation, type SpeculationSettings } from './speculation/speculation.js';
import type { RequestEvent, SpeculationStats, StepReport } from './step-report.js';
import type { StepTracer } from './step-tracer.js';

export interface EngineParts {
  model: Model;
  /** The one that the model uses. */
  dispatcher: Dispatcher;
  vocabSize: number;
  limits: SchedulerLimits;
  /** Whether requests share what is computed of the tokens that they have in common at their beginning. */
  prefixCaching: boolean;
  /** Whether the bits of a request depend on nothing but the request: without speculation, and with a granularity of whole blocks. */
  deterministic?: boolean;
  /** Null: a step is one token of each sequence. */
  speculation?: SpeculationSettings | null;
  /** Seconds, on the same clock as `submittedAt`. */
  now: () => number;
  /** The one that model and dispatcher tell. */
  profile?: StepProfile | undefined;
  /** Undefined: no request is traced. */
  tracer?: StepTracer | undefined;
}

const NO_DRAFTS: SpeculationStats = { numDrafts: 0, numDraftTokens: 0, numAcceptedTokens: 0 };

/** Generates for all requests at once, one {@link step} at a time. Belongs to one thread and blocks it. */
export class Engine {
  private readonly scheduler: Scheduler<SequenceCache, ActiveGeneration>;
  private readonly sampler: Sampler;
  private readonly matchers = new MatcherCache();
  private readonly generations = new Map<string, ActiveGeneration>();
  private readonly speculation: Speculation | null;
  /** Null: a step is one batch. */
  private readonly separate: SeparateForward | null;
  private events: RequestEvent[] = [];
  private speculated: SpeculationStats = NO_DRAFTS;

  constructor(private readonly parts: EngineParts) {
    const { speculation = null, limits, model } = parts;
    const maxDraftedTokens = Math.min(MAX_DRAFTED_STEP_TOKENS, limits.maxNumBatchedTokens, model.maxLogitRows);
    this.speculation = speculation && new Speculation(speculation, maxDraftedTokens);
    this.separate = parts.deterministic === true ? new SeparateForward(model, parts.vocabSize) : null;
    this.scheduler = new Scheduler(limits, model.caches);
    this.sampler = new Sampler(parts.vocabSize);
  }

  /** Queues a request whose id is not in use. */
  submit(request: GenerationRequest, submittedAt: number): void {
    const { constraint } = request;
    const matcher = constraint && this.matchers.matcher(constraint.grammar, constraint.vocabulary, constraint.endTokenIds);
    const lookup = this.parts.speculation?.lookup ?? null;
    const generation = new ActiveGeneration(request, submittedAt, this.numShareable(request), matcher ?? null, lookup);
    this.generations.set(request.id, generation);
    this.scheduler.add(generation);
  }

  /** Drops a request, which hears no more, and frees its memory. Unknown and finished ids are ignored. */
  abort(id: string): void {
    const generation = this.generations.get(id);
    if (generation !== undefined) this.remove(generation);
  }

  get hasWork(): boolean {
    return this.generations.size > 0;
  }

  /** One token, or as many as were guessed, for every sequence whose prompt is computed, and up to the token budget of prompts that are not. */
  step(): StepReport {
    const start = this.parts.now();
    this.parts.profile?.start();
    const schedule = this.scheduler.schedule(start);
    this.announce(schedule);
    this.parts.tracer?.start(schedule.chunks);
    this.parts.profile?.mark('schedule');
    const chunks = this.speculation?.draft(schedule.chunks) ?? schedule.chunks.map((chunk) => ({ ...chunk, draftIds: [] }));
    const logits = this.forward(chunks); // [N, V]
    if (logits !== null) {
      this.scheduler.commit(schedule, this.parts.now() - start);
      this.sample(chunks, logits);
      this.parts.profile?.mark('sampling');
      this.speculation?.observe(chunks, this.parts.now() - start);
    }
    return this.report(chunks, schedule.preempted.length, start);
  }

  /** Leading tokens of which a request shares what is computed: blocks of an answer have other bits than those of a prompt with the same tokens. */
  private numShareable({ promptIds }: GenerationRequest): number {
    if (!this.parts.prefixCaching) return 0;
    return this.separate === null ? Infinity : promptIds.length;
  }

  /** Tells who was scheduled for the first time, and who no longer or never can be. */
  private announce({ chunks, expired, oversized }: Schedule<ActiveGeneration>): void {
    for (const { sequence } of chunks) {
      if (sequence.hasStarted) continue;
      sequence.hasStarted = true;
      const event = { type: 'started' as const, queueSeconds: this.parts.now() - sequence.submittedAt, cachedTokens: sequence.numComputed };
      this.events.push({ id: sequence.id, event });
    }
    for (const generation of expired) this.fail(generation, new DeadlineExceededError(generation.missedDeadline, { field: 'timeout' }));
    for (const generation of oversized) {
      const need = `${generation.tokenIds.length} tokens do not fit into the KV cache even alone`;
      this.fail(generation, new EngineFailedError(`${need}: give --kv-cache-memory more than ${this.parts.model.caches.byteLimit}`));
    }
  }

  /**
   * @returns logits [N, V] after the chunks that are the last of their sequence, and after each draft; null where there is nothing to compute or it
   * failed
   */
  private forward(chunks: DraftedChunk[]): Float32Array | null {
    if (chunks.length === 0) return null;
    try {
      if (this.separate !== null) return this.separate.run(chunks, (piece) => this.segmentOf(piece, []));
      return this.parts.model.forward(
        chunks.map((chunk) => this.segmentOf({ ...chunk, first: chunk.sequence.numComputed }, chunk.draftIds)),
      );
    } catch (error) {
      for (const { sequence } of chunks) this.fail(sequence, error);
      return null;
    }
  }

  /** What the model needs to know of some tokens, and of guesses of what follows them. */
  private segmentOf({ sequence, first, numTokens, isLast }: Piece, draftIds: number[]): Segment {
    const { routing, promptScores } = sequence;
    return {
      cache: sequence.memory!,
      tokenIds: Int32Array.from([...sequence.tokenIds.slice(first, first + numTokens), ...draftIds]), // [t]
      numDrafts: draftIds.length,
      logits: draftIds.length > 0 ? 'all' : isLast ? 'last' : 'none',
      ...(promptScores === null ? {} : { onLogits: (index, logits) => promptScores.add(first + index, logits, this.sampler) }),
      ...(routing === null ? {} : { onRouting: (layer, topkIds) => routing.add(first, layer, topkIds, topkIds.length / numTokens) }),
    };
  }

  private sample(chunks: DraftedChunk[], logits: Float32Array): void {
    const { vocabSize } = this.parts;
    const numDraftTokens = chunks.reduce((sum, { draftIds }) => sum + draftIds.length, 0);
    this.speculated = { numDrafts: chunks.filter(({ draftIds }) => draftIds.length > 0).length, numDraftTokens, numAcceptedTokens: 0 };
    let row = 0;
    for (const chunk of chunks) {
      if (!chunk.isLast) continue;
      const end = row + 1 + chunk.draftIds.length;
      this.verify(chunk, logits.subarray(row * vocabSize, end * vocabSize)); // [1 + drafts, V]
      row = end;
    }
  }

  /**
   * Chooses the tokens that follow a chunk, each as if there were no drafts, for as long as they are what was guessed: so tokens do not depend on
   * the drafts, whether they are drawn or the most probable ones. What was computed of wrong guesses was never counted.
   * @param logits [1 + drafts, V]
   */
  private verify({ sequence, draftIds }: DraftedChunk, logits: Float32Array): void {
    const { vocabSize } = this.parts;
    for (const draftId of [...draftIds, null]) {
      if (!this.extend(sequence, logits.subarray(0, vocabSize))) return;
      if (sequence.tokenIds.at(-1) !== draftId) break;
      sequence.memory!.accept(draftId);
      this.scheduler.count(sequence);
      this.speculated.numAcceptedTokens++;
      logits = logits.subarray(vocabSize); // [drafts left + 1, V]
    }
    if (draftIds.length > 0) sequence.memory!.trim(sequence.tokenIds.length);
  }

  /** Chooses the next token of a sequence. @param logits [V] @returns whether it goes on */
  private extend(generation: ActiveGeneration, logits: Float32Array): boolean {
    const { id, request } = generation;
    try {
      const { sampling } = request;
      const forced = generation.forcedTokenId;
      const token =
        forced === null
          ? this.sampler.sample(logits, sampling, uniform(sampling.seed, generation.numGenerated), generation.processors)
          : this.sampler.force(logits, forced, sampling);
      const routed = generation.routing === null ? {} : { routedExperts: generation.routing.take() };
      const scored = generation.promptScores === null ? {} : { promptLogprobs: generation.promptScores.take() };
      generation.promptScores = null;
      this.events.push({ id, event: { type: 'token', ...token, ...routed, ...scored } });
      const reason = generation.append(token.tokenId);
      if (reason === null) return true;
      this.events.push({ id, event: { type: 'finished', reason } });
      this.remove(generation);
    } catch (error) {
      this.fail(generation, error);
    }
    return false;
  }

  private fail(generation: ActiveGeneration, cause: unknown): void {
    const error = errorToMessage(engineError('A step failed', cause));
    this.events.push({ id: generation.id, event: { type: 'failed', error } });
    this.remove(generation);
  }

  private remove(generation: ActiveGeneration): void {
    this.generations.delete(generation.id);
    this.scheduler.remove(generation);
  }

  private report(chunks: DraftedChunk[], preemptions: number, start: number): StepReport {
    const { events, speculated } = this;
    this.events = [];
    this.speculated = NO_DRAFTS;
    if (chunks.length === 0) return { events, stats: this.stats(), metrics: null, trace: null };
    const end = this.parts.now();
    const metrics = {
      seconds: end - start,
      numTokens: chunks.reduce((sum, { numTokens, draftIds }) => sum + numTokens + draftIds.length, 0),
      numSampled: events.filter(({ event }) => event.type === 'token').length,
      preemptions,
      speculation: speculated,
      dispatch: this.parts.dispatcher.drainStats(),
      profile: this.parts.profile?.read() ?? null,
    };
    return { events, stats: this.stats(), metrics, trace: this.parts.tracer?.take(start, end) ?? null };
  }

  private stats(): EngineStats {
    const { bytesInUse, byteLimit } = this.parts.model.caches;
    return {
      running: this.scheduler.numRunning,
      waiting: this.scheduler.numWaiting,
      kvCacheUsage: bytesInUse / byteLimit,
      kvCacheBytes: bytesInUse,
    };
  }
}
