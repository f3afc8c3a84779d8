import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';

const CREATED = 'http2.server.stream.created';

/**
 * The calls of one method on one port as HTTP/2 sees them: one is open until its client has had all of it. grpc-js (1.14) tells only when
 * the last of it is on its way, and hands its HTTP/2 streams to nobody, but Node announces each.
 */
export class OpenStreams {
  private readonly streams = new Set<ServerHttp2Stream>();
  private onNone: () => void = () => undefined;

  private constructor(
    private readonly path: string,
    private readonly port: number,
  ) {}

  static follow(path: string, port: number): OpenStreams {
    const open = new OpenStreams(path, port);
    subscribe(CREATED, open.onCreated);
    return open;
  }

  /** Resolves as soon as none is open. */
  async none(): Promise<void> {
    if (this.streams.size > 0) await new Promise<void>((resolve) => (this.onNone = resolve));
  }

  close(): void {
    unsubscribe(CREATED, this.onCreated);
  }

  private readonly onCreated = (message: unknown): void => {
    const { stream, headers } = message as { stream: ServerHttp2Stream; headers: IncomingHttpHeaders };
    if (headers[':path'] !== this.path || stream.session?.socket.localPort !== this.port) return;
    this.streams.add(stream);
    stream.once('close', () => {
      this.streams.delete(stream);
      if (this.streams.size === 0) this.onNone();
    });
  };
}
