import { checkBatch } from '@ringmesh/experts';
import { ShardRule } from '@ringmesh/placement';
import {
  type ChannelShape,
  encodeFailedReply,
  encodeForwardReply,
  type ExpertBatch,
  ForwardRequestReader,
  ForwardStatus,
} from '@ringmesh/protocol';
import type { WorkerMetrics } from '@ringmesh/telemetry';
import type { ModelConfig } from '@ringmesh/weights';
import type { BatchComputer } from './batch-computer.js';
import { ForwardError, statusOf } from './forward-error.js';
import type { ForwardSpans } from './forward-spans.js';

/** Readers that are kept, with their memory, for the next requests. */
const MAX_IDLE_READERS = 8;

/** Answers ForwardRequests: every one gets a reply, whatever its bytes are. */
export class Forwarder {
  private computer: BatchComputer | null = null;
  private isDraining = false;
  private inFlight = 0;
  private onIdle: () => void = () => undefined;
  private readonly idleReaders: ForwardRequestReader[] = [];
  private readonly rule: ShardRule;

  constructor(
    private readonly config: ModelConfig,
    private readonly shape: ChannelShape,
    private readonly metrics: WorkerMetrics,
    private readonly spans?: ForwardSpans,
  ) {
    this.rule = new ShardRule(shape.numExperts, shape.numShards);
  }

  /** The experts are loaded: requests are computed from now on. */
  start(computer: BatchComputer): void {
    this.computer = computer;
  }

  /** @param isWanted whether the router is still there @returns a ForwardReply; never rejects */
  async answer(bytes: Buffer, isWanted: () => boolean): Promise<Buffer> {
    this.metrics.receivedBytes.inc(bytes.length);
    this.metrics.inFlight.set(++this.inFlight);
    const { reply, status } = await this.computeReply(bytes, isWanted);
    this.metrics.requests.inc({ status: ForwardStatus[status].replace('STATUS_', '').toLowerCase() });
    this.metrics.sentBytes.inc(reply.length);
    this.metrics.inFlight.set(--this.inFlight);
    if (this.inFlight === 0) this.onIdle();
    return reply;
  }

  /** Refuses new requests. Resolves when those that came before are answered. */
  async drain(): Promise<void> {
    this.isDraining = true;
    if (this.inFlight > 0) await new Promise<void>((resolve) => (this.onIdle = resolve));
  }

  private async computeReply(bytes: Buffer, isWanted: () => boolean): Promise<{ reply: Buffer; status: ForwardStatus }> {
    const receivedAt = performance.now();
    const span = this.spans?.received();
    const reader = this.idleReaders.pop() ?? new ForwardRequestReader(this.shape);
    try {
      const { id, batch, timeoutMs, dtype, traceparent } = reader.read(bytes);
      span?.read(traceparent, batch);
      checkBatch(batch, this.config, this.shape.maxTokens);
      const { blocks, answers, release } = await this.availableComputer().compute({ batch, deadline: receivedAt + timeoutMs, isWanted });
      const reply = encodeForwardReply(id, blocks, dtype);
      release();
      for (const { queueSeconds, computeSeconds } of answers) {
        this.metrics.queueDuration.observe(queueSeconds);
        this.metrics.computeDuration.observe(computeSeconds);
      }
      this.countTokens(batch);
      span?.replied(answers);
      return { reply, status: ForwardStatus.STATUS_OK };
    } catch (error) {
      const status = statusOf(error);
      span?.failed(ForwardStatus[status], String(error));
      return { reply: encodeFailedReply(reader.id, status, error instanceof Error ? error.message : String(error)), status };
    } finally {
      // Nobody looks at the batch any more: the threads have copied what they compute.
      if (this.idleReaders.length < MAX_IDLE_READERS) this.idleReaders.push(reader);
    }
  }

  private availableComputer(): BatchComputer {
    if (this.isDraining) throw new ForwardError(ForwardStatus.STATUS_DRAINING, 'this worker is shutting down');
    if (this.computer === null) throw new ForwardError(ForwardStatus.STATUS_SHARD_NOT_HOSTED, 'the experts are still loading');
    return this.computer;
  }

  private countTokens({ layer, experts, counts }: ExpertBatch): void {
    experts.forEach((expert, index) => this.metrics.tokens.add(layer, this.rule.shardOf(expert), counts[index]!));
  }
}
