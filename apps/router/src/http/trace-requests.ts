import type { ServerResponse } from 'node:http';
import type { Tracer, TraceSpan } from '@ringmesh/telemetry';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/**
 * A span for each HTTP request, a child of the one that its `traceparent` names. Here it is decided, once, whether the request is traced. Names
 * are those of OpenTelemetry's HTTP conventions (https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
 */
export function traceRequests(server: FastifyInstance, tracer: Tracer, isTraced: (request: FastifyRequest) => boolean): void {
  server.addHook('onRequest', (request, { raw }, done) => {
    if (isTraced(request)) {
      const span = startSpan(tracer, request);
      request.span = span;
      // Not fastify's `onResponse`, which does not come where the client leaves.
      raw.once('close', () => endSpan(span, raw));
    }
    done();
  });
}

function startSpan(tracer: Tracer, { id, method, url, headers, is404, routeOptions }: FastifyRequest): TraceSpan {
  const route = is404 ? undefined : routeOptions.url;
  return tracer.start(route === undefined ? method : `${method} ${route}`, {
    kind: 'server',
    parent: tracer.remoteParent(headers),
    attributes: {
      'http.request.method': method,
      'url.path': url.split('?', 1)[0]!,
      'ringmesh.request_id': id,
      ...(route === undefined ? {} : { 'http.route': route }),
    },
  });
}

function endSpan(span: TraceSpan, { statusCode, writableFinished }: ServerResponse): void {
  if (!writableFinished) span.fail('client_gone', 'the client closed the connection before the response was complete');
  else if (statusCode >= 500) span.fail(String(statusCode), `the answer is ${statusCode}`);
  span.set({ 'http.response.status_code': statusCode }).end();
}
