import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Address } from '@ringmesh/protocol';
import { METRICS_CONTENT_TYPE, type MetricsRegistry, renderMetrics } from '@ringmesh/telemetry';
import type { ExpertService } from './expert-service.js';
import { listenFailed } from './listen-failed.js';

export interface MetricsServerOptions {
  listen: Address;
  registry: MetricsRegistry;
  service: Pick<ExpertService, 'isServing'>;
}

interface Answer {
  status: number;
  type: string;
  body: string;
}

/** GET /metrics, /health (the process lives) and /ready (its experts answer) over plain HTTP. */
export class MetricsServer {
  private constructor(
    private readonly server: Server,
    readonly address: Address,
  ) {}

  /** @throws ListenFailedError */
  static async listen({ listen, registry, service }: MetricsServerOptions): Promise<MetricsServer> {
    const answer = async (path: string): Promise<Answer> => {
      if (path === '/metrics') return { status: 200, type: METRICS_CONTENT_TYPE, body: await renderMetrics(registry) };
      const type = 'application/json';
      if (path === '/health') return { status: 200, type, body: '{"status":"ok"}' };
      if (path === '/ready')
        return service.isServing ? { status: 200, type, body: '{"ready":true}' } : { status: 503, type, body: '{"ready":false}' };
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
      server.once('error', (error) => reject(listenFailed('--metrics-port', listen, error)));
      server.listen(listen.port, listen.host, resolve);
    });
    const { port } = server.address() as AddressInfo;
    return new MetricsServer(server, { host: listen.host, port });
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** A metric could not be collected: the scraper hears of it, and the worker goes on. */
function failed(error: unknown): Answer {
  return { status: 500, type: 'application/json', body: JSON.stringify({ error: error instanceof Error ? error.message : String(error) }) };
}
