import type { FinishedReason, RequestMetrics } from '@ringmesh/telemetry';
import type { TextEvent } from './generate-text.js';

/** Measures the events of one request on their way to the client; `now` in seconds, from any start. */
export async function* measured(
  events: AsyncGenerator<TextEvent, void>,
  metrics: RequestMetrics,
  { promptTokens, signal, now }: { promptTokens: number; signal: AbortSignal; now: () => number },
): AsyncGenerator<TextEvent, void> {
  const arrival = now();
  let firstToken = 0;
  let lastToken = 0;
  let tokens = 0;
  let reason: FinishedReason = 'abort'; // what it means when the consumer leaves early
  try {
    for await (const event of events) {
      if (event.type === 'started') {
        metrics.queueTime.observe(event.queueSeconds);
        metrics.promptTokens.inc(promptTokens);
        metrics.prefixCacheQueries.inc(promptTokens);
        metrics.prefixCacheHits.inc(event.cachedTokens);
      } else if (event.type === 'token') {
        const time = now();
        if (tokens === 0) metrics.timeToFirstToken.observe((firstToken = time) - arrival);
        else metrics.interTokenLatency.observe(time - lastToken);
        lastToken = time;
        tokens++;
        metrics.generationTokens.inc();
      } else if (event.type === 'finished') {
        reason = event.reason;
      }
      yield event;
    }
  } catch (error) {
    reason = signal.aborted ? 'abort' : 'error';
    throw error;
  } finally {
    if (tokens > 1) metrics.timePerOutputToken.observe((lastToken - firstToken) / (tokens - 1));
    metrics.endToEndLatency.observe(now() - arrival);
    metrics.countFinished(reason);
  }
}
