import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ListenFailedError } from '@ringmesh/core';
import { METRICS_CONTENT_TYPE, type MetricsRegistry, renderMetrics } from './registry.js';

export interface MetricsServerOptions {
  host: string;
  /** Of `--metrics-port`; 0: any free one. */
  port: number;
  registry: MetricsRegistry;
  /** Whether the process can do its work now. */
  isReady: () => boolean;
}

interface Answer {
  status: number;
  type: string;
  body: string;
}

/** GET /metrics, /health (the process lives) and /ready (it can do its work) over plain HTTP, on a port of their own. */
export class MetricsServer {
  private constructor(
    private readonly server: Server,
    readonly address: { host: string; port: number },
  ) {}

  /** @throws ListenFailedError */
  static async listen({ host, port, registry, isReady }: MetricsServerOptions): Promise<MetricsServer> {
    const answer = async (path: string): Promise<Answer> => {
      if (path === '/metrics') return { status: 200, type: METRICS_CONTENT_TYPE, body: await renderMetrics(registry) };
      const type = 'application/json';
      if (path === '/health') return { status: 200, type, body: '{"status":"ok"}' };
      if (path === '/ready')
        return isReady() ? { status: 200, type, body: '{"ready":true}' } : { status: 503, type, body: '{"ready":false}' };
      return { status: 404, type, body: '{"error":"GET /metrics, /health or /ready"}' };
    };
    const server = createServer((request, response) => {
      request.resume();
      const path = request.url!.split('?', 1)[0]!;
      void answer(path)
        .catch(failed)
        .then(({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(listenFailed(host, port, error)));
      server.listen(port, host, resolve);
    });
    return new MetricsServer(server, { host, port: (server.address() as AddressInfo).port });
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function listenFailed(host: string, port: number, cause: Error): ListenFailedError {
  const message = `--metrics-port: cannot listen on port ${port} of ${host} (${cause.message}): choose another one, or 0 for any free one`;
  return new ListenFailedError(message, { field: '--metrics-port', cause });
}

/** A metric could not be collected: the scraper hears of it, and the process goes on. */
function failed(error: unknown): Answer {
  return { status: 500, type: 'application/json', body: JSON.stringify({ error: error instanceof Error ? error.message : String(error) }) };
}
