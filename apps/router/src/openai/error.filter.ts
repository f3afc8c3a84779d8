import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { Logger } from '@ringmesh/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Routes } from '../http/routes.js';
import { anthropicErrorBody, isAnthropicPath } from '../anthropic/error-body.js';
import { errorResponse, type ErrorResponse } from './error-response.js';

/** Answers every error, of our handlers, Nest's own, and fastify's: in OpenAI's shape, and in Anthropic's where its API was asked. */
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
    const response = errorResponse(error);
    const { status, body } = response;
    const requestId = request.id;
    // A 503 is the cluster's state and a 504 the client's wish, not a defect: the message says it all.
    if (status === 503 || status === 504) this.log.warn({ requestId, code: body.error.code }, body.error.message);
    else if (status >= 500) this.log.error({ err: error, requestId }, 'request failed');

    const allowed = status === 404 && request.is404 ? this.routes.methodsOf(request.url.split('?', 1)[0]!) : [];
    if (allowed.length > 0) {
      const message = `${request.method} is not allowed here: use ${allowed.join(' or ')}`;
      const headers = { allow: allowed.join(', ') };
      sendError(request, reply, { status: 405, body: { error: { ...body.error, message, code: 'method_not_allowed' } }, headers });
    } else {
      sendError(request, reply, response);
    }
  }
}

/** In the shape of the API that was asked. */
export function sendError(request: FastifyRequest, reply: FastifyReply, response: ErrorResponse): void {
  const body = isAnthropicPath(request.url) ? anthropicErrorBody(response, request.id) : response.body;
  void reply.status(response.status).headers(response.headers).send(body);
}
