import { logVerbosity, Server, type ServerDuplexStream, setLogVerbosity } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import {
  type Address,
  expertService,
  fileDescriptors,
  formatAddress,
  type InfoReply,
  serverCredentials,
  serverOptions,
  type TransportSecurity,
} from '@ringmesh/protocol';
import type { WorkerMetrics } from '@ringmesh/telemetry';
import { HealthImplementation, service as healthService } from 'grpc-health-check';
import type { ExpertService } from './expert-service.js';
import { ForwardStream } from './forward-stream.js';
import { listenFailed } from './listen-failed.js';
import { widenReceiveWindows } from './receive-window.js';

export interface ExpertServerOptions {
  listen: Address;
  security: TransportSecurity;
  service: ExpertService;
  metrics: WorkerMetrics;
}

/** Calls that one connection may have open: a few Forward streams, Info, health watches. */
const MAX_STREAMS = 64;
/** What health checks may ask for: the server as a whole, or this service. */
const HEALTH_NAMES = ['', 'ringmesh.expert.v1.ExpertService'];
/** How long clients have to close their connections once all is answered. */
const CLOSE_TIMEOUT_MS = 1000;

/** The gRPC server of a worker: the expert service, health (not serving until {@link setServing}) and reflection. */
export class ExpertServer {
  private readonly health = new HealthImplementation();
  private readonly streams = new Set<ForwardStream>();
  private readonly server: Server;

  /** The address it listens on, with the real port. */
  address: Address;

  private constructor(options: ExpertServerOptions) {
    this.address = options.listen;
    const { service, metrics } = options;
    widenReceiveWindows();
    // What goes wrong is thrown or answered; grpc-js would also print it.
    setLogVerbosity(logVerbosity.NONE);
    this.server = new Server(serverOptions(service.shape, MAX_STREAMS));
    this.server.addService(expertService, {
      info: (_call: unknown, reply: (error: null, info: InfoReply) => void) => reply(null, service.info()),
      forward: (call: ServerDuplexStream<Buffer, Buffer>) => {
        const stream = new ForwardStream(call, service.forwarder);
        this.streams.add(stream);
        metrics.streams.set(this.streams.size);
        // Comes however the stream ends.
        call.once('close', () => {
          this.streams.delete(stream);
          metrics.streams.set(this.streams.size);
        });
      },
    });
    this.setServing(false);
    this.health.addToServer(this.server);
    reflection().addToServer(this.server);
  }

  /** @throws ListenFailedError where the address is taken @throws InvalidOptionError for security that is not possible */
  static async listen(options: ExpertServerOptions): Promise<ExpertServer> {
    const { listen, security } = options;
    const credentials = serverCredentials(listen.host, security);
    const server = new ExpertServer(options);
    const port = await new Promise<number>((resolve, reject) => {
      server.server.bindAsync(formatAddress(listen), credentials, (error, bound) => {
        if (error === null) resolve(bound);
        else reject(listenFailed('--listen', listen, error));
      });
    });
    server.address = { host: listen.host, port };
    return server;
  }

  setServing(serving: boolean): void {
    for (const name of HEALTH_NAMES) this.health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
  }

  /** Ends all streams once what they carry is answered, then all connections. */
  async close(): Promise<void> {
    for (const stream of this.streams) stream.end();
    const forced = setTimeout(() => this.server.forceShutdown(), CLOSE_TIMEOUT_MS);
    await new Promise<void>((resolve) => this.server.tryShutdown(() => resolve()));
    clearTimeout(forced);
  }
}

function reflection(): ReflectionService {
  const format = 'Protocol Buffer 3 DescriptorProto';
  return new ReflectionService({
    'ringmesh.expert.v1': { format, type: {}, fileDescriptorProtos: fileDescriptors() },
    'grpc.health.v1': healthService.Check!.requestType,
  });
}
