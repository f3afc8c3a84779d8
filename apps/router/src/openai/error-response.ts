import { HttpException } from '@nestjs/common';
import { BodyTooLargeError, EngineFailedError, RingmeshError } from '@ringmesh/core';
import { ClientGoneError } from '../http/client-gone.js';
import type { ErrorBody } from './schemas/responses.js';

/** Codes of what HTTP itself refuses, by status. */
const HTTP_CODES: Record<number, string> = {
  400: 'invalid_request',
  404: 'route_not_found',
  405: 'method_not_allowed',
  408: 'request_timeout',
  413: new BodyTooLargeError('').code,
  414: 'uri_too_long',
  431: 'headers_too_large',
};

export interface ErrorResponse {
  status: number;
  body: ErrorBody;
  /** Beside those of every response. */
  headers: Record<string, string>;
}

/** The status and OpenAI-shaped body of any thrown value. What is a defect of ours tells the client nothing but that: the log has the rest. */
export function errorResponse(error: unknown): ErrorResponse {
  if (error instanceof RingmeshError && !(error instanceof EngineFailedError)) {
    return { ...response(error.httpStatus, error.message, error.code, error.field), headers: headersOf(error) };
  }
  if (error instanceof ClientGoneError) return response(499, error.message, 'client_gone'); // nginx's status; nobody reads it
  const status = httpStatus(error);
  if (status === 415) return response(status, 'Send the body as application/json', 'unsupported_media_type');
  if (status !== undefined && status < 500) return httpErrorResponse(status, (error as Error).message);
  return response(500, 'Internal error: the server log says more', new EngineFailedError('').code);
}

/** What HTTP itself refuses. @param status 4xx */
export function httpErrorResponse(status: number, message: string): ErrorResponse {
  return response(status, message, HTTP_CODES[status] ?? 'invalid_request');
}

function response(status: number, message: string, code: string, field?: string): ErrorResponse {
  return { status, body: { error: { message, type: errorType(status), param: field ?? null, code } }, headers: {} };
}

/** Nest's and fastify's own errors bring their status along. */
function httpStatus(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : undefined;
}

function errorType(status: number): ErrorBody['error']['type'] {
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

function headersOf({ httpStatus, retryAfterSeconds }: RingmeshError): Record<string, string> {
  return {
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    ...(httpStatus === 401 ? { 'www-authenticate': 'Bearer realm="ringmesh"' } : {}),
  };
}
