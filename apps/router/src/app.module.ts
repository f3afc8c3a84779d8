import { type DynamicModule, Module } from '@nestjs/common';
import type { EngineClient } from '@ringmesh/engine';
import type { Logger, MetricsRegistry } from '@ringmesh/telemetry';
import type { InFlight } from './generation/in-flight.js';
import type { TextGenerator } from './generation/text-generator.js';
import { HealthController } from './health/health.controller.js';
import { MetricsController } from './metrics/metrics.controller.js';
import { ChatController } from './openai/chat/chat.controller.js';
import { MessagesController } from './anthropic/messages/messages.controller.js';
import { CompletionsController } from './openai/completions/completions.controller.js';
import { ModelsController } from './openai/models/models.controller.js';
import type { ResponseStore } from './openai/responses/response-store.js';
import { ResponsesController } from './openai/responses/responses.controller.js';
import { TokenizeController } from './openai/tokenize/tokenize.controller.js';
import type { ServedModel } from './served-model.js';
import { VersionController } from './version/version.controller.js';
import { ENGINE, IN_FLIGHT, LOGGER, METRICS, MODEL, RESPONSE_STORE, TEXT_GENERATOR } from './tokens.js';

/** What the controllers work with; made by `startRouter`, so that nothing of it depends on Nest. */
export interface AppParts {
  engine: EngineClient;
  model: ServedModel;
  generator: TextGenerator;
  inFlight: InFlight;
  responses: ResponseStore;
  metrics: MetricsRegistry;
  /** Whether /metrics is a route of the API, not on a port of its own. */
  servesMetrics: boolean;
  log: Logger;
}

/** The HTTP API over an engine. */
@Module({})
export class AppModule {
  static over(parts: AppParts): DynamicModule {
    return {
      module: AppModule,
      controllers: [
        ChatController,
        CompletionsController,
        ResponsesController,
        MessagesController,
        ModelsController,
        TokenizeController,
        HealthController,
        VersionController,
        ...(parts.servesMetrics ? [MetricsController] : []),
      ],
      providers: [
        { provide: ENGINE, useValue: parts.engine },
        { provide: MODEL, useValue: parts.model },
        { provide: TEXT_GENERATOR, useValue: parts.generator },
        { provide: IN_FLIGHT, useValue: parts.inFlight },
        { provide: RESPONSE_STORE, useValue: parts.responses },
        { provide: METRICS, useValue: parts.metrics },
        { provide: LOGGER, useValue: parts.log },
      ],
    };
  }
}
