import type { Tracer } from '@ringmesh/telemetry';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/**
 * A span for each HTTP request, a child of the one that its `traceparent` names. Here it is decided, once, whether the request is traced. Names
 * are those of OpenTelemetry's HTTP conventions (https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
 */
export function traceRequests(server: FastifyInstance, tracer: Tracer, isTraced: (request: FastifyRequest) => boolean): void {
  server.addHook('onRequest', (request, _reply, done) => {
    if (isTraced(request)) request.span = startSpan(tracer, request);
    done();
  });
  server.addHook('onResponse', ({ span }, { statusCode }, done) => {
    if (statusCode >= 500) span?.fail(String(statusCode), '');
    span?.set({ 'http.response.status_code': statusCode }).end();
    done();
  });
  // The client went away: then there is no response to wait for.
  server.addHook('onRequestAbort', ({ span }, done) => {
    span?.fail('client_gone', 'the client closed the connection').end();
    done();
  });
}

function startSpan(tracer: Tracer, { id, method, url, headers, is404, routeOptions }: FastifyRequest) {
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
