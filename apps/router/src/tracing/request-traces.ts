import { monotonicSeconds, RingmeshError, spanIdText } from '@ringmesh/core';
import { EXCHANGE_NUMBERS, type StepTrace } from '@ringmesh/engine';
import type { SpanContext, Tracer, TraceSpan } from '@ringmesh/telemetry';
import type { TextEvent } from '../generation/generate-text.js';
import type { TextRequest } from '../generation/text-request.js';
import { SequenceTrace } from './sequence-trace.js';

/** The sequences that are traced: what the engine tells of its steps, and what is heard of each of them here, becomes spans. */
export class RequestTraces {
  /** By id of the request. The engine may tell of a step more after its request was given up, so they stay until the next step. */
  private readonly sequences = new Map<string, SequenceTrace>();

  constructor(
    private readonly tracer: Tracer,
    private readonly modelName: string,
  ) {}

  /** Generates what is asked for, and traces it under the span of its HTTP request. */
  async *traced(
    request: TextRequest,
    parent: TraceSpan,
    generate: (request: TextRequest) => AsyncGenerator<TextEvent, void>,
  ): AsyncGenerator<TextEvent, void> {
    const trace = new SequenceTrace(this.tracer, parent.context, request, this.modelName);
    this.sequences.set(request.id, trace);
    try {
      for await (const event of generate({ ...request, traceId: trace.context.traceId })) {
        trace.heard(event, monotonicSeconds());
        yield event;
      }
    } catch (error) {
      trace.fail(error instanceof RingmeshError ? error.code : 'abort', error instanceof Error ? error.message : String(error));
      throw error;
    } finally {
      trace.end(monotonicSeconds());
    }
  }

  /** Spans of a step: one for each of its sequences, and what was asked of workers below the first one's. */
  recordStep(step: StepTrace): void {
    let first: SpanContext | undefined;
    for (const [index, chunk] of step.chunks.entries()) {
      const span = this.sequences.get(chunk.id)?.recordStep(step, chunk, first);
      if (index === 0) first = span;
    }
    if (first !== undefined) this.recordExchanges(step, first);
    for (const [id, { endedAt }] of this.sequences) if (endedAt !== null && endedAt < step.startedAt) this.sequences.delete(id);
  }

  private recordExchanges({ hosts, exchanges, spanIdHigh }: StepTrace, parent: SpanContext): void {
    for (let at = 0; at < exchanges.length; at += EXCHANGE_NUMBERS) {
      const [spanIdLow, layer, host, rows, startedAt, endedAt, failed] = exchanges.subarray(at, at + EXCHANGE_NUMBERS);
      const span = this.tracer.start('dispatch', {
        ...{ parent, kind: 'client', startedAt: startedAt!, id: spanIdText(spanIdHigh, spanIdLow!) },
        attributes: { 'ringmesh.layer': layer!, 'ringmesh.worker': hosts[host!]!, 'ringmesh.rows': rows! },
      });
      if (failed === 1) span.fail('shard_unavailable', `${hosts[host!]} did not answer`);
      span.end(endedAt);
    }
  }
}
