import { setTimeout as delay } from 'node:timers/promises';
import { logVerbosity, Server, type ServerDuplexStream, setLogVerbosity } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import {
  type Address,
  expertService,
  fileDescriptors,
  formatAddress,
  forwardMethod,
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
import { OpenStreams } from './open-streams.js';
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
/** How long clients have to close their connections once their streams have ended. */
const CLOSE_TIMEOUT_MS = 1000;
/** How long connections that are forced to end may take. */
const FORCED_CLOSE_TIMEOUT_MS = 1000;

/** The gRPC server of a worker: the expert service, health (not serving until {@link setServing}) and reflection. */
export class ExpertServer {
  private readonly health = new HealthImplementation();
  private readonly streams = new Set<ForwardStream>();
  private readonly server: Server;
  private openStreams: OpenStreams | null = null;
  private isClosing = false;

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
        if (this.isClosing) stream.end();
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
    server.openStreams = OpenStreams.follow(forwardMethod.path, port);
    return server;
  }

  setServing(serving: boolean): void {
    for (const name of HEALTH_NAMES) this.health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
  }

  /**
   * Ends all streams once what they carry is answered and received, then all connections. In this order, because grpc-js (1.14) cuts a
   * connection that is closing as soon as a keepalive ping is due, whatever it still carries.
   * @param timeoutMs how long replies may take: those of many tokens take a slow network their time
   */
  async close(timeoutMs: number): Promise<void> {
    this.isClosing = true;
    for (const stream of this.streams) stream.end();
    await Promise.race([this.openStreams?.none(), delay(timeoutMs, undefined, { ref: false })]);
    this.openStreams?.close();
    // Not forceShutdown, which without channelz knows no connections; and first, for it forgets those that are closing already.
    this.server.drain(formatAddress(this.address), CLOSE_TIMEOUT_MS);
    const closed = new Promise<void>((resolve) => this.server.tryShutdown(() => resolve()));
    await Promise.race([closed, delay(CLOSE_TIMEOUT_MS + FORCED_CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
  }
}

function reflection(): ReflectionService {
  const format = 'Protocol Buffer 3 DescriptorProto';
  return new ReflectionService({
    'ringmesh.expert.v1': { format, type: {}, fileDescriptorProtos: fileDescriptors() },
    'grpc.health.v1': healthService.Check!.requestType,
  });
}
