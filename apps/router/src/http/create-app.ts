import 'reflect-metadata';
import type { NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { HttpMetrics, type Tracer } from '@ringmesh/telemetry';
import type { FastifyRequest } from 'fastify';
import type { ApiKey } from '../api-keys/api-key.js';
import { AppModule, type AppParts } from '../app.module.js';
import { ErrorFilter } from '../openai/error.filter.js';
import { errorSchema } from '../openai/schemas/responses.js';
import { validationPipe } from '../openai/validation.js';
import { NestLogger } from './nest-logger.js';
import { createServer } from './server.js';

export interface HttpAppParts extends AppParts {
  /** Undefined: nothing is traced. */
  tracer?: Tracer | undefined;
  /** Finds out who asks. @throws InvalidApiKeyError */
  authenticate: (request: FastifyRequest) => ApiKey | null;
}

/** The HTTP application, not listening yet. */
export async function createApp({ authenticate, tracer, ...parts }: HttpAppParts): Promise<NestFastifyApplication> {
  const { metrics, log, inFlight } = parts;
  const { adapter, routes } = createServer({
    httpMetrics: new HttpMetrics(metrics),
    log,
    tracer,
    authenticate,
    isClosing: () => inFlight.isClosing,
  });
  const nestOptions: Partial<NestApplicationOptions> = { logger: new NestLogger(parts.log), bodyParser: false, abortOnError: false };
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.over(parts), adapter, nestOptions);
  app.useGlobalPipes(validationPipe());
  app.useGlobalFilters(new ErrorFilter(routes, parts.log));
  const about = new DocumentBuilder()
    .setTitle('Ringmesh')
    .setDescription("OpenAI's API over Ring and Ling models, with vLLM's additions.")
    .setVersion('1')
    .addBearerAuth()
    .addGlobalResponse({ status: 'default', description: 'Any error.', standardSchema: errorSchema })
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, about), { jsonDocumentUrl: 'openapi.json' });
  await app.init();
  return app;
}
