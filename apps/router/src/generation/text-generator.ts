import { monotonicSeconds, NotReadyError } from '@ringmesh/core';
import type { RequestMetrics, TraceSpan } from '@ringmesh/telemetry';
import { admitted } from '../admission/admitted.js';
import type { AdmittedSequence } from '../admission/admitted-sequence.js';
import type { Admission } from '../admission/admission.js';
import type { RequestTraces } from '../tracing/request-traces.js';
import type { Client } from './client.js';
import { onceReady, tellFirstToken } from './first-token.js';
import { generateText, type TextBackend, type TextEvent } from './generate-text.js';
import type { InFlight } from './in-flight.js';
import { measured } from './measured.js';
import { merge, type Indexed } from './merge.js';
import type { TextRequest } from './text-request.js';

export interface TextGeneratorParts {
  backend: TextBackend;
  metrics: RequestMetrics;
  inFlight: InFlight;
  admission: Admission;
  /** Undefined: nothing is traced. */
  traces?: RequestTraces | undefined;
}

/** When a sequence may run, and until when. */
interface Turn {
  sequence: AdmittedSequence;
  signal: AbortSignal;
  /** Undefined: at once. */
  ready: Promise<null> | undefined;
}

/** What the API endpoints generate with: admission, then the engine's events as measured text. */
export class TextGenerator {
  constructor(private readonly parts: TextGeneratorParts) {}

  /**
   * Runs the prompts of one HTTP request together; when one fails, all do. Nothing is admitted or starts before the first event is asked for.
   * @throws NotReadyError, ShuttingDownError at once; QueueFullError, RateLimitExceededError with the first event; what {@link generateText}
   * throws, later.
   */
  generate(requests: TextRequest[], { apiKey, signal: client, span }: Client): AsyncGenerator<Indexed<TextEvent>, void> {
    const { backend, inFlight, admission } = this.parts;
    const { ready, missingShards, details } = backend.engine.readiness();
    if (!ready) {
      const missing =
        missingShards.length > 0 ? `no worker for shards ${missingShards.join(', ')}` : (details[0] ?? 'the model is loading');
      throw new NotReadyError(`Not ready: ${missing}. GET /ready says when it is`);
    }
    return inFlight.run((signal) => {
      const sequences = admission.admit(
        requests.map(({ promptIds }) => promptIds.length),
        apiKey,
      );
      const origin = { apiKeyName: apiKey?.name, arrivedAt: monotonicSeconds() };
      const firstTokens = requests.map(() => Promise.withResolvers<null>());
      return merge(
        requests.map((request, index) => {
          const { sharesPromptWith: other } = request;
          const ready = other === undefined ? undefined : firstTokens[other]!.promise;
          const events = this.generateOne({ ...request, ...origin }, { sequence: sequences[index]!, signal, ready }, span);
          return tellFirstToken(events, () => firstTokens[index]!.resolve(null));
        }),
      );
    }, client);
  }

  private generateOne(request: TextRequest, turn: Turn, span: TraceSpan | undefined): AsyncGenerator<TextEvent, void> {
    const { traces } = this.parts;
    const generate = (traced: TextRequest): AsyncGenerator<TextEvent, void> => this.generateMeasured(traced, turn);
    return traces === undefined || span?.isSampled !== true ? generate(request) : traces.traced(request, span, generate);
  }

  private generateMeasured(request: TextRequest, { sequence, signal, ready }: Turn): AsyncGenerator<TextEvent, void> {
    const { backend, metrics } = this.parts;
    const { timeoutSeconds } = request;
    return measured(
      admitted(() => onceReady(ready, signal, () => generateText(backend, request, signal)), sequence, { signal, timeoutSeconds }),
      metrics,
      { promptTokens: request.promptIds.length, signal, now: () => performance.now() / 1000 },
    );
  }
}
