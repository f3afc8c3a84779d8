import { type ClientDuplexStream, credentials, Metadata, type ServiceError, status, type StatusObject } from '@grpc/grpc-js';
import { channelOptions, ExpertServiceClient, forwardMethod, type InfoReply, parseForwardReply } from '@ringmesh/protocol';
import { once } from 'node:events';
import { shape } from './remote-workers.js';

type ForwardReply = ReturnType<typeof parseForwardReply>;

/** A client that may write any bytes to a worker. */
export class ForwardClient {
  readonly client: ExpertServiceClient;
  /** How the stream ended. */
  readonly ended: Promise<StatusObject>;
  private readonly call: ClientDuplexStream<Buffer, Buffer>;
  readonly replies: ForwardReply[] = [];

  constructor(address: string) {
    this.client = new ExpertServiceClient(address, credentials.createInsecure(), {
      ...channelOptions(shape),
      'grpc.max_send_message_length': -1,
    });
    this.call = this.client.makeBidiStreamRequest(forwardMethod.path, forwardMethod.requestSerialize, forwardMethod.responseDeserialize);
    this.call.on('data', (bytes: Buffer) => this.replies.push(parseForwardReply(bytes)));
    // Its status tells the same.
    this.call.on('error', () => undefined);
    this.ended = new Promise((resolve) => this.call.once('status', resolve));
  }

  write(bytes: Uint8Array): void {
    this.call.write(Buffer.from(bytes));
  }

  /** The next of {@link replies}, taken away. */
  async next(): Promise<ForwardReply> {
    while (this.replies.length === 0) await once(this.call, 'data');
    return this.replies.shift()!;
  }

  /** Writes one message and waits for one reply. */
  async ask(bytes: Uint8Array): Promise<ForwardReply> {
    this.write(bytes);
    return this.next();
  }

  info(): Promise<InfoReply> {
    return new Promise((resolve, reject) => {
      this.client.info({}, new Metadata(), { deadline: Date.now() + 5000 }, (error: ServiceError | null, info) => {
        if (error === null) resolve(info);
        else reject(error);
      });
    });
  }

  /** Any unary method, with messages as bytes. */
  unary(path: string, message: Uint8Array): Promise<Buffer> {
    const keep = (bytes: Buffer): Buffer => bytes;
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(path, keep, keep, Buffer.from(message), (error, reply) => {
        if (reply !== undefined) resolve(reply);
        else reject(error ?? new Error(status[status.UNKNOWN]));
      });
    });
  }

  /** The first reply of a streaming method to one message; the call stays open until it is aborted. */
  async firstReply(path: string, message: Uint8Array, signal?: AbortSignal): Promise<Buffer> {
    const keep = (bytes: Buffer): Buffer => bytes;
    const call = this.client.makeBidiStreamRequest(path, keep, keep);
    // How it ends later is of no interest.
    call.on('error', () => undefined);
    signal?.addEventListener('abort', () => call.cancel());
    call.end(Buffer.from(message));
    const [reply] = (await once(call, 'data')) as [Buffer];
    return reply;
  }

  close(): void {
    this.call.cancel();
    this.client.close();
  }
}
