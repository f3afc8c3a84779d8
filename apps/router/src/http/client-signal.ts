import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ClientGoneError } from './client-gone.js';

/** Injects an AbortSignal that aborts when the client closes the connection before the response is complete. */
export const ClientSignal = createParamDecorator((_: unknown, context: ExecutionContext): AbortSignal => {
  const { raw } = context.switchToHttp().getResponse<FastifyReply>();
  const controller = new AbortController();
  const abort = (): void => {
    if (!raw.writableFinished) controller.abort(new ClientGoneError());
  };
  if (raw.closed || raw.destroyed) abort();
  else raw.once('close', abort);
  return controller.signal;
});
