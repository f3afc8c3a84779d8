import { setTimeout as delay } from 'node:timers/promises';
import { Metadata } from '@grpc/grpc-js';
import { PackMismatchError } from '@ringmesh/core';
import {
  channelCredentials,
  channelOptions,
  type ExpertChannel,
  ExpertServiceClient,
  forwardMethod,
  type InfoReply,
  parseAddress,
  type TransportSecurity,
} from '@ringmesh/protocol';
import type { DType } from '@ringmesh/tensor';
import { Backoff } from './backoff.js';
import { ForwardStream } from './forward-stream.js';
import { checkInfo, type ExpectedPack, type WorkerState, type WorkerStatus } from './remote-worker.js';
import { describeServiceError } from './service-error.js';

export interface WorkerConnectionOptions {
  address: string;
  /** One per slot. */
  channels: ExpertChannel[];
  expected: ExpectedPack;
  security: TransportSecurity;
  dtype: DType;
  timeoutMs: number;
  random: () => number;
  /** Called when something changed, and once a minute while the worker cannot be used. */
  onStatus: (status: WorkerStatus) => void;
}

/** How often a worker is asked what it hosts. */
const INFO_INTERVAL_MS = 2_000;
const LOADING_INTERVAL_MS = 250;
const INFO_TIMEOUT_MS = 5_000;
const REPEAT_STATUS_MS = 60_000;

/** The connection to one worker, made again whenever it is lost. Its channels are always answered, with a failure where it must be. */
export class WorkerConnection {
  private status: WorkerStatus;
  private reportedAt = performance.now();
  private stream: ForwardStream | null = null;
  private isClosed = false;
  /** What its last Info said, as far as it may be used. */
  private addsShards = false;
  /** Ends the wait until the next Info. */
  private askNow: () => void = () => undefined;

  constructor(private readonly options: WorkerConnectionOptions) {
    this.status = { address: options.address, state: 'connecting', shards: [], detail: '' };
    void this.run();
  }

  /** Sends the requests that wait in the channels. */
  serve(): void {
    for (const channel of this.options.channels) {
      const batch = channel.takeRequest();
      if (batch === null) continue;
      if (this.stream === null) channel.fail(`${this.status.state}: ${this.status.detail}`);
      else this.stream.send(channel, batch);
    }
  }

  /** Gives the worker up: its channels fail from now on. */
  close(cause: string): void {
    this.isClosed = true;
    this.stream?.close(cause);
    for (const channel of this.options.channels) channel.close(cause);
  }

  private async run(): Promise<void> {
    const backoff = new Backoff(this.options.random);
    while (!this.isClosed) {
      try {
        await this.connect(backoff);
      } catch (error) {
        this.lose(error instanceof PackMismatchError ? 'mismatch' : 'unreachable', error instanceof Error ? error.message : String(error));
      }
      await delay(backoff.next());
    }
  }

  /** Serves until it throws: PackMismatchError where the worker is unfit, else an Error with the cause of the loss. */
  private async connect(backoff: Backoff): Promise<never> {
    const { address, channels, expected, security } = this.options;
    const { shape } = channels[0]!.buffers;
    // Certificates are read again for every attempt, so renewed ones are taken up.
    const credentials = channelCredentials(parseAddress(address, '--workers').host, security);
    const client = new ExpertServiceClient(address, credentials, channelOptions(shape));
    try {
      for (;;) {
        const info = await getInfo(client);
        if (this.isClosed) throw new Error('it was removed');
        checkInfo(info, expected, shape);
        backoff.reset();
        this.stream ??= this.openStream(client);
        this.reportInfo(info);
        await this.untilNextInfo(this.stream);
      }
    } finally {
      client.close();
    }
  }

  private lose(state: WorkerState, cause: string): void {
    this.report(state, [], cause);
    this.stream?.close(cause);
    this.stream = null;
  }

  private openStream(client: ExpertServiceClient): ForwardStream {
    const { path, requestSerialize, responseDeserialize } = forwardMethod;
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    return new ForwardStream(call, { ...this.options, onStale: () => this.askNow() });
  }

  /** @throws Error with the cause when the stream has ended meanwhile */
  private async untilNextInfo(stream: ForwardStream): Promise<void> {
    const interval = this.status.state === 'loading' ? LOADING_INTERVAL_MS : INFO_INTERVAL_MS;
    if (stream.endCause === null) await this.untilAsked(interval);
    if (stream.endCause !== null) throw new Error(stream.endCause);
  }

  private untilAsked(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.askNow = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private reportInfo({ draining, shards, assignedShards, addsShards }: InfoReply): void {
    // Sums that are rounded on the wire would depend on which shards a worker happens to have.
    this.addsShards = addsShards && this.options.dtype === 'f32';
    const loading = assignedShards.filter((shard) => !shards.includes(shard));
    if (draining) this.report('draining', [], 'it is shutting down');
    else if (loading.length > 0) this.report('loading', shards, `shard ${loading.join(', ')} is still loading`);
    else this.report('ready', shards, '');
  }

  private report(state: WorkerState, shards: number[], detail: string): void {
    const status = { address: this.options.address, state, shards, addsShards: this.addsShards, detail };
    const isNew = JSON.stringify(status) !== JSON.stringify(this.status);
    const isDue = state !== 'ready' && performance.now() - this.reportedAt > REPEAT_STATUS_MS;
    this.status = status;
    if (this.isClosed || (!isNew && !isDue)) return;
    this.reportedAt = performance.now();
    this.options.onStatus(status);
  }
}

function getInfo(client: ExpertServiceClient): Promise<InfoReply> {
  return new Promise((resolve, reject) => {
    client.info({}, new Metadata(), { deadline: Date.now() + INFO_TIMEOUT_MS }, (error, info) => {
      if (error === null) resolve(info);
      else reject(new Error(describeServiceError(error)));
    });
  });
}
