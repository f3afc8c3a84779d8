import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Client } from '../generation/client.js';
import { ClientGoneError } from './client-gone.js';

/** Injects who asks; its signal aborts when the connection is closed before the response is complete. */
export const FromClient = createParamDecorator((_: unknown, context: ExecutionContext): Client => {
  const http = context.switchToHttp();
  const { raw } = http.getResponse<FastifyReply>();
  const { apiKey, span } = http.getRequest<FastifyRequest>();
  const controller = new AbortController();
  const abort = (): void => {
    if (!raw.writableFinished) controller.abort(new ClientGoneError());
  };
  if (raw.closed || raw.destroyed) abort();
  else raw.once('close', abort);
  return { signal: controller.signal, apiKey, span };
});
