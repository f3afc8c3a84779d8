import type { ErrorResponse } from '../openai/error-response.js';

/** Anthropic's kinds of errors, by status. */
const ERROR_TYPES: Record<number, string> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error', // "try again": not ready, or shutting down
};

/** Tells the client's tool runner to send the whole conversation instead, which it then does by itself. */
const NO_THREADS = { error_code: 'thread_unsupported_request', unsupported: ['thread'] };

export interface AnthropicErrorBody {
  type: 'error';
  error: { type: string; message: string; details?: { error_code: string; unsupported: string[] } };
  request_id: string;
}

/** An error as Anthropic's clients expect it. The message begins with the field where one is wrong. */
export function anthropicErrorBody({ status, body }: ErrorResponse, requestId: string): AnthropicErrorBody {
  const type = ERROR_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
  const { message, param } = body.error;
  const details = param === 'thread' ? { details: NO_THREADS } : {};
  return { type: 'error', error: { type, message, ...details }, request_id: requestId };
}

/** Whether the path is one of Anthropic's API. @param url path and query */
export function isAnthropicPath(url: string): boolean {
  return /^\/v1\/messages(?![^/?])/.test(url);
}
