import { type DispatchTrace, EXCHANGE_NUMBERS } from '@ringmesh/dispatch';
import type { Chunk } from '@ringmesh/scheduler';
import type { ActiveGeneration } from './active-generation.js';
import type { StepTrace, TracedChunk } from './step-trace.js';

/** Notes what a step does for requests that are traced; a step without any costs a look at each of its requests. */
export class StepTracer {
  private lead: ActiveGeneration | null = null;
  private step: Pick<StepTrace, 'numSequences' | 'numTokens' | 'chunks'> | null = null;

  constructor(private readonly dispatch: DispatchTrace) {}

  /** A step computes these. */
  start(chunks: Chunk<ActiveGeneration>[]): void {
    const traced: TracedChunk[] = [];
    this.step = this.lead = null;
    for (const { sequence, numTokens, isLast } of chunks) {
      if (sequence.request.traceId === undefined) continue;
      this.lead ??= sequence;
      traced.push({ id: sequence.id, spanIdLow: this.dispatch.ids.next(), numTokens, isLast });
    }
    if (this.lead === null) return;
    this.dispatch.start(this.lead.request.traceId!, this.lead.traceableExchanges);
    this.step = { numSequences: chunks.length, numTokens: chunks.reduce((sum, { numTokens }) => sum + numTokens, 0), chunks: traced };
  }

  /** What it did, null where none of its requests is traced. @param startedAt by `monotonicSeconds`, as is `endedAt` */
  take(startedAt: number, endedAt: number): StepTrace | null {
    const { step, lead } = this;
    if (step === null || lead === null) return null;
    const exchanges = this.dispatch.take();
    lead.traceableExchanges -= exchanges.exchanges.length / EXCHANGE_NUMBERS;
    return { ...step, ...exchanges, startedAt, endedAt, spanIdHigh: this.dispatch.ids.high };
  }
}
