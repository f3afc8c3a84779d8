import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { HttpMetrics, Logger, Tracer, TraceSpan } from '@ringmesh/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiKey } from '../api-keys/api-key.js';
import { isAnthropicPath } from '../anthropic/error-body.js';
import { errorResponse } from '../openai/error-response.js';
import { sendError } from '../openai/error.filter.js';
import { SSE_CONTENT_TYPE, SSE_HEADERS } from '../openai/sse.js';
import { ClientErrors } from './client-errors.js';
import { readJsonBody } from './json-body.js';
import { Routes } from './routes.js';
import { traceRequests } from './trace-requests.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Null where the server has no keys, and on routes that are open to all. */
    apiKey: ApiKey | null;
    /** Undefined where nothing is traced. */
    span: TraceSpan | undefined;
  }
}

export interface ServerParts {
  httpMetrics: HttpMetrics;
  log: Logger;
  /** Undefined: nothing is traced. */
  tracer?: Tracer | undefined;
  /** Finds out who asks. @throws InvalidApiKeyError */
  authenticate: (request: FastifyRequest) => ApiKey | null;
  /** Whether the server is about to end. */
  isClosing: () => boolean;
}

/** Time a client has to send a whole request. */
const REQUEST_TIMEOUT_MS = 60_000;
/** Characters of a route parameter (a model's name) at most. */
const MAX_PARAM_LENGTH = 512;
const REQUEST_ID = /^[\w.:-]{1,128}$/;
/** Asked for all the time by machines: logged at debug level only, and open to those who have no API key. */
const PROBES = new Set(['/health', '/ready', '/metrics']);

/** The fastify server under Nest: API keys, JSON bodies only, request ids, a log line and metrics for each request. */
export function createServer(parts: ServerParts): { adapter: FastifyAdapter; routes: Routes } {
  const { httpMetrics, log, tracer, authenticate, isClosing } = parts;
  const clientErrors = new ClientErrors();
  const adapter = new FastifyAdapter({
    genReqId: requestId,
    clientErrorHandler: (error, socket) => clientErrors.answer(error, socket),
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    // Hooks do not run for these.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply): void => {
      sendError(request, reply.headers(requestIdHeaders(request)), errorResponse(error));
    },
  });
  const routes = new Routes();
  const server: FastifyInstance = adapter.getInstance();
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', (_request: unknown, payload: IncomingMessage) => readJsonBody(payload));
  server.decorateRequest('apiKey', null);
  server.decorateRequest('span', undefined);
  server.addHook('onRoute', ({ url, method }) => routes.add(url, method));
  server.addHook('onRequest', (request, reply, done) => {
    clientErrors.began(reply.raw);
    void reply.headers(requestIdHeaders(request));
    done();
  });
  if (tracer !== undefined) traceRequests(server, tracer, (request) => !PROBES.has(handlerOf(request)));
  // Before the body is read.
  server.addHook('onRequest', async (request) => {
    if (!PROBES.has(handlerOf(request))) request.apiKey = authenticate(request);
  });
  server.addHook('onSend', (_request, reply, _payload, done) => {
    if (reply.getHeader('content-type') === SSE_CONTENT_TYPE) void reply.headers(SSE_HEADERS);
    if (isClosing()) void reply.header('connection', 'close');
    done();
  });
  server.addHook('onResponse', (request, reply, done) => {
    const { method, url } = request;
    const handler = handlerOf(request);
    const { statusCode: status, elapsedTime } = reply;
    httpMetrics.observe({ handler, method, status, seconds: elapsedTime / 1000 });
    const apiKeyName = request.apiKey?.name;
    const entry = { requestId: request.id, apiKeyName, method, url, status, ms: Math.round(elapsedTime) };
    log[PROBES.has(handler) ? 'debug' : 'info'](entry, 'request');
    done();
  });
  return { adapter, routes };
}

/** The route's pattern; `none` for a path that does not exist. */
function handlerOf(request: FastifyRequest): string {
  return request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
}

/** Anthropic's clients look for the request's id under a name of their own. */
function requestIdHeaders({ id, url }: FastifyRequest): Record<string, string> {
  return { 'x-request-id': id, ...(isAnthropicPath(url) ? { 'request-id': id } : {}) };
}

/** The client's X-Request-Id where it is sane. */
function requestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const id = headers['x-request-id'];
  return typeof id === 'string' && REQUEST_ID.test(id) ? id : randomUUID();
}
