import { monotonicSeconds, spanIdText } from '@ringmesh/core';
import type { StepTrace, TracedChunk } from '@ringmesh/engine';
import type { Attributes, SpanContext, Tracer, TraceSpan } from '@ringmesh/telemetry';
import type { TextEvent } from '../generation/generate-text.js';
import type { TextRequest } from '../generation/text-request.js';

/** When what happened to a sequence, in seconds by `monotonicSeconds`. */
interface Times {
  /** It was computed for the first time. */
  scheduled: number | null;
  /** The step ended that had its first token. */
  prefilled: number | null;
  /** The last step ended. */
  computed: number | null;
  /** Its first token was here. */
  firstToken: number | null;
}

/**
 * The spans of one sequence: `llm_request`, as vLLM calls it, and below it `queue`, `prefill` and `decode` with their steps. Attributes are
 * vLLM's, and those of OpenTelemetry's conventions for generative AI (https://opentelemetry.io/docs/specs/semconv/gen-ai/) that replace them.
 */
export class SequenceTrace {
  endedAt: number | null = null;
  private readonly request: TraceSpan;
  private readonly arrivedAt: number;
  private readonly times: Times = { scheduled: null, prefilled: null, computed: null, firstToken: null };
  private phase: TraceSpan;
  private generatedTokens = 0;
  private finishReason = 'abort'; // what it means when nobody waits for the end
  private untraced = 0;

  constructor(
    private readonly tracer: Tracer,
    parent: SpanContext,
    { id, promptIds, maxTokens, sampling, arrivedAt }: TextRequest,
    modelName: string,
  ) {
    this.arrivedAt = arrivedAt ?? monotonicSeconds();
    const attributes = {
      'gen_ai.operation.name': id.startsWith('cmpl-') ? 'text_completion' : 'chat',
      'gen_ai.provider.name': 'ringmesh',
      'gen_ai.request.model': modelName,
      'gen_ai.response.model': modelName,
      'gen_ai.request.id': id,
      'gen_ai.request.max_tokens': maxTokens,
      'gen_ai.request.temperature': sampling.temperature,
      'gen_ai.request.top_p': sampling.topP,
      ...tokens('input', 'prompt', promptIds.length),
    };
    this.request = tracer.start('llm_request', { parent, startedAt: this.arrivedAt, attributes });
    this.phase = tracer.start('queue', { parent: this.context, startedAt: this.arrivedAt });
  }

  get context(): SpanContext {
    return this.request.context;
  }

  /** The engine computed something of it. @param first span of the step that tells what was asked of workers, where that is another's */
  recordStep(step: StepTrace, { spanIdLow, numTokens, isLast }: TracedChunk, first: SpanContext | undefined): SpanContext {
    const { startedAt, endedAt, spanIdHigh, dropped } = step;
    const isNewPhase = this.enterPhase(startedAt);
    const attributes = {
      'ringmesh.step.tokens': numTokens,
      'ringmesh.step.batch_sequences': step.numSequences,
      'ringmesh.step.batch_tokens': step.numTokens,
    };
    const id = spanIdText(spanIdHigh, spanIdLow);
    const links = first === undefined ? [] : [first];
    const name = this.times.prefilled === null ? 'prefill step' : 'decode step';
    const span = this.tracer.start(name, { parent: this.phase.context, startedAt, id, links, attributes });
    span.end(endedAt);
    this.untraced += first === undefined ? dropped : 0;
    this.times.computed = endedAt;
    if (isLast && this.times.prefilled === null) {
      this.times.prefilled = endedAt;
      this.phase.end(endedAt);
    } else if (isNewPhase && this.endedAt !== null) {
      this.phase.end(endedAt); // the client left during this step, so it is the last one
    }
    return span.context;
  }

  /** An event is on its way to the client. */
  heard(event: TextEvent, now: number): void {
    if (event.type === 'started') {
      this.request.set({ 'gen_ai.usage.cache_read.input_tokens': event.cachedTokens });
    } else if (event.type === 'token') {
      this.times.firstToken ??= now;
      this.generatedTokens++;
    } else if (event.type === 'finished') {
      this.finishReason = event.reason;
    }
  }

  fail(code: string, message: string): void {
    if (code !== 'abort') this.finishReason = 'error';
    this.request.fail(code, message);
  }

  end(now: number): void {
    const { scheduled, prefilled, computed } = this.times;
    this.endedAt = now;
    if (scheduled === null) this.phase.end(now);
    else if (computed !== prefilled || prefilled === null) this.phase.end(computed ?? now);
    const attributes = { ...tokens('output', 'completion', this.generatedTokens), ...this.latencies(now) };
    const lost: Attributes = this.untraced === 0 ? {} : { 'ringmesh.untraced_dispatches': this.untraced };
    this.request.set({ ...attributes, ...lost, 'gen_ai.response.finish_reasons': [this.finishReason] }).end(now);
  }

  /** The first step ends the wait, and the first after the prompt begins to decode. @returns whether a phase begins */
  private enterPhase(startedAt: number): boolean {
    const { scheduled, prefilled, computed } = this.times;
    if (scheduled === null) {
      this.phase.end(startedAt);
      this.phase = this.tracer.start('prefill', { parent: this.context, startedAt });
      this.times.scheduled = startedAt;
      return true;
    }
    if (prefilled === null || computed !== prefilled) return false;
    this.phase = this.tracer.start('decode', { parent: this.context, startedAt: prefilled });
    return true;
  }

  /** Seconds, under vLLM's names. */
  private latencies(now: number): Attributes {
    const { scheduled, prefilled, computed, firstToken } = this.times;
    const since = (name: string, from: number | null, to: number | null): Attributes =>
      from === null || to === null ? {} : { [`gen_ai.latency.${name}`]: to - from };
    return {
      ...since('e2e', this.arrivedAt, now),
      ...since('time_in_queue', this.arrivedAt, scheduled),
      ...since('time_to_first_token', this.arrivedAt, firstToken),
      ...since('time_in_model_prefill', scheduled, prefilled),
      ...since('time_in_model_decode', prefilled, computed),
      ...since('time_in_model_inference', scheduled, computed),
    };
  }
}

/** A count of tokens, as it is called and as vLLM calls it. */
function tokens(name: string, vllmName: string, count: number): Attributes {
  return { [`gen_ai.usage.${name}_tokens`]: count, [`gen_ai.usage.${vllmName}_tokens`]: count };
}
