import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { Logger } from '@ringmesh/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Routes } from '../http/routes.js';
import { errorResponse } from './error-response.js';

/** Answers every error in OpenAI's shape: of our handlers, Nest's own, and fastify's. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(
    private readonly routes: Routes,
    private readonly log: Logger,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const { status, body, headers } = errorResponse(error);
    const requestId = request.id;
    // A 503 is the cluster's state and a 504 the client's wish, not a defect: the message says it all.
    if (status === 503 || status === 504) this.log.warn({ requestId, code: body.error.code }, body.error.message);
    else if (status >= 500) this.log.error({ err: error, requestId }, 'request failed');

    const allowed = status === 404 && request.is404 ? this.routes.methodsOf(request.url.split('?', 1)[0]!) : [];
    if (allowed.length > 0) {
      const message = `${request.method} is not allowed here: use ${allowed.join(' or ')}`;
      void reply
        .status(405)
        .header('allow', allowed.join(', '))
        .send({ error: { ...body.error, message, code: 'method_not_allowed' } });
    } else {
      void reply.status(status).headers(headers).send(body);
    }
  }
}
