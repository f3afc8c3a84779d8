import { Worker } from 'node:worker_threads';
import { channelCredentials, type ChannelShape, Doorbell, ExpertChannel, parseAddress, type TransportSecurity } from '@ringmesh/protocol';
import type { DType } from '@ringmesh/tensor';
import type { ExpectedPack, RemoteWorker, WorkerStatus } from './remote-worker.js';
import type { GrpcThreadData, GrpcThreadMessage } from './thread-messages.js';

export interface GrpcDispatchOptions {
  /** Addresses, host:port. */
  workers: string[];
  expected: ExpectedPack;
  channelShape: ChannelShape;
  /** Micro-batches that may be in flight at once: channels of each worker. */
  numSlots: number;
  /** The bell that all channels ring when they have an answer. */
  clientBell: Doorbell;
  /** Of hidden states and partial sums on the wire. */
  dtype: DType;
  /** How long a request may take. */
  timeoutMs: number;
  security: TransportSecurity;
  /** Called with all workers after one of them changed, and once a minute while one cannot be used. */
  onChange: (workers: RemoteWorker[]) => void;
  /** The thread ended by itself, which is a defect: all channels fail from then on. */
  onFailure: (error: Error) => void;
}

/** Expert workers behind gRPC, as expert hosts: one thread of this process serves their channels. */
export class GrpcDispatch {
  private readonly thread: Worker;
  private readonly serverBell = new Doorbell();
  private readonly workers = new Map<string, RemoteWorker>();
  private isClosed = false;

  /** @throws InvalidOptionError for a malformed address, or security that is not possible */
  constructor(private readonly options: GrpcDispatchOptions) {
    const { workers, expected, security, dtype, timeoutMs } = options;
    for (const address of workers) this.checkAddress(address);
    const workerData: GrpcThreadData = { serverBell: this.serverBell.buffer, expected, security, dtype, timeoutMs };
    this.thread = new Worker(new URL('./grpc-dispatch-thread.js', import.meta.url), { workerData, name: 'grpc-dispatch' });
    this.thread.on('message', (status: WorkerStatus) => this.update(status));
    this.thread.on('error', (error) => this.fail(error instanceof Error ? error : new Error(String(error))));
    this.setWorkers(workers);
  }

  /**
   * Replaces the list of workers. Those that stay keep their connections and what is in flight; those that go fail what is in flight.
   * @throws InvalidOptionError as the constructor
   */
  setWorkers(addresses: string[]): void {
    for (const address of addresses) this.checkAddress(address);
    const wanted = new Set(addresses);
    for (const address of this.workers.keys()) {
      if (wanted.has(address)) continue;
      this.workers.delete(address);
      this.post({ type: 'remove', address });
    }
    for (const address of wanted) if (!this.workers.has(address)) this.add(address);
    this.options.onChange([...this.workers.values()]);
  }

  /** Ends all connections; requests under way fail. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.thread.terminate();
    this.closeChannels('this router is shutting down');
  }

  private add(address: string): void {
    const { channelShape, numSlots, clientBell } = this.options;
    const channels = Array.from({ length: numSlots }, () => ExpertChannel.create(channelShape, this.serverBell, clientBell).buffers);
    this.workers.set(address, { address, state: 'connecting', shards: [], detail: '', channels });
    this.post({ type: 'add', address, channels });
  }

  private update(status: WorkerStatus): void {
    const worker = this.workers.get(status.address);
    if (worker === undefined) return;
    this.workers.set(status.address, { ...worker, ...status });
    this.options.onChange([...this.workers.values()]);
  }

  private fail(error: Error): void {
    if (this.isClosed) return;
    this.closeChannels(`the gRPC thread failed: ${error.message}`);
    this.options.onFailure(error);
  }

  private closeChannels(cause: string): void {
    for (const { channels } of this.workers.values()) for (const buffers of channels) new ExpertChannel(buffers).close(cause);
  }

  private checkAddress(address: string): void {
    channelCredentials(parseAddress(address, '--workers').host, this.options.security);
  }

  private post(message: GrpcThreadMessage): void {
    this.thread.postMessage(message);
  }
}
