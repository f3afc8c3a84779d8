import { NotReadyError } from '@ringmesh/core';
import type { RequestMetrics } from '@ringmesh/telemetry';
import { generateText, type TextBackend, type TextEvent } from './generate-text.js';
import type { InFlight } from './in-flight.js';
import { measured } from './measured.js';
import { merge, type Indexed } from './merge.js';
import type { TextRequest } from './text-request.js';

/** What the API endpoints generate with: admission, then the engine's events as measured text. */
export class TextGenerator {
  constructor(
    private readonly backend: TextBackend,
    private readonly metrics: RequestMetrics,
    private readonly inFlight: InFlight,
  ) {}

  /**
   * Runs the prompts of one HTTP request together; when one fails, all do. Nothing starts before the first event is asked for.
   * @throws NotReadyError, ShuttingDownError at once; what {@link generateText} throws, later.
   */
  generate(requests: TextRequest[], client: AbortSignal): AsyncGenerator<Indexed<TextEvent>, void> {
    const { ready, missingShards, details } = this.backend.engine.readiness();
    if (!ready) {
      const missing =
        missingShards.length > 0 ? `no worker for shards ${missingShards.join(', ')}` : (details[0] ?? 'the model is loading');
      throw new NotReadyError(`Not ready: ${missing}. GET /ready says when it is`);
    }
    return this.inFlight.run((signal) => merge(requests.map((request) => this.generateOne(request, signal))), client);
  }

  private generateOne(request: TextRequest, signal: AbortSignal): AsyncGenerator<TextEvent, void> {
    return measured(generateText(this.backend, request, signal), this.metrics, {
      promptTokens: request.promptIds.length,
      signal,
      now: () => performance.now() / 1000,
    });
  }
}
