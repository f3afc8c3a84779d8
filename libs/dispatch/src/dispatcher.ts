import { EngineFailedError, ShardUnavailableError, type StepProfile } from '@ringmesh/core';
import { BatchSplitter, hostsOf, ReductionTree, ShardRule } from '@ringmesh/placement';
import type { ChannelShape, Doorbell, ExpertBatch } from '@ringmesh/protocol';
import { type DispatchStats, HostCounters } from './dispatch-stats.js';
import type { DispatchTrace } from './dispatch-trace.js';
import { type Exchange, type ExpertHost, HostState } from './expert-host.js';
import { Slot } from './slot.js';

export interface DispatcherOptions {
  /** Of every channel of every host. */
  shape: ChannelShape;
  numLayers: number;
  /** Micro-batches that may be in flight at once. */
  numSlots: number;
  /** The bell that every host's channels ring when they have an answer. */
  clientBell: Doorbell;
  /** After how long a host that does not answer counts as failed; 60 s unless given. */
  timeoutMs?: number;
  /** Answers the requests to hosts that are on this very thread, if there are any; called when there is nothing left but to wait. */
  serveOwnHosts?: () => void;
  /** Told how long the experts of this thread took (`own-experts`), and the wait for the others (`wait`). */
  profile?: StepProfile | undefined;
  /** Told of each exchange, of steps that are traced. */
  trace?: DispatchTrace | undefined;
}

/** Hosts that failed at the micro-batch at hand, and how. */
type Failures = Map<HostState, string>;

/**
 * Sends the rows of a micro-batch to the hosts of their experts and adds up what comes back. Belongs to the engine's thread and blocks it.
 *
 * The same micro-batch gives the same bits whatever the hosts, their number and their shards: a host's partial sum of a shard depends on the
 * shard's rows alone, and partial sums are added in the order of the reduction tree.
 */
export class Dispatcher {
  private readonly rule: ShardRule;
  private readonly tree: ReductionTree;
  private readonly splitter: BatchSplitter;
  private readonly slots: Slot[];
  private readonly timeoutMs: number;
  private epoch = 0;
  private hosts: HostState[] = [];
  private hostsOfShard: HostState[][]; // [S]
  private tokens: Float64Array; // [numLayers, S]

  constructor(private readonly options: DispatcherOptions) {
    const { shape, numSlots, numLayers, timeoutMs = 60_000 } = options;
    this.rule = new ShardRule(shape.numExperts, shape.numShards);
    this.tree = new ReductionTree(shape.numShards);
    this.splitter = new BatchSplitter(this.rule, shape.hiddenSize, shape.maxTokens);
    this.slots = Array.from({ length: numSlots }, () => new Slot(this.rule, this.tree, shape));
    this.timeoutMs = timeoutMs;
    this.hostsOfShard = Array.from({ length: shape.numShards }, () => []);
    this.tokens = new Float64Array(numLayers * shape.numShards);
  }

  /** Replaces the hosts; those whose id was there before keep their counts. No micro-batch may be in flight. */
  setHosts(epoch: number, hosts: ExpertHost[]): void {
    if (this.slots.some((slot) => slot.isBusy)) throw new EngineFailedError('hosts cannot change while a micro-batch is in flight');
    const counters = new Map(this.hosts.map((host) => [host.id, host.counters]));
    this.hosts = hosts.map((host) => new HostState(host, this.options, counters.get(host.id) ?? new HostCounters()));
    this.hostsOfShard = this.hostsOfShard.map((_, shard) => hostsOf(this.hosts, shard));
    this.epoch = epoch;
  }

  /**
   * Sends a micro-batch to all hosts it concerns and returns without waiting; {@link combine} or {@link abandon} must follow.
   * @param hidden [T, H], unchanged until then @param topkIds [T, k] @param topkWeights [T, k]
   * @throws ShardUnavailableError where a shard has no usable host; nothing was sent then
   */
  dispatch(
    slotIndex: number,
    layer: number,
    hidden: Float32Array,
    topkIds: BigInt64Array | Int32Array,
    topkWeights: Float32Array,
    numTokens: number,
  ): void {
    const slot = this.slots[slotIndex]!;
    if (slot.isBusy) throw new EngineFailedError(`slot ${slotIndex} is in flight already`);
    slot.route(hidden, topkIds, topkWeights, numTokens);
    slot.batch.layer = layer;
    slot.batch.epoch = this.epoch;
    this.send(slotIndex, slot.layout.shards, new Map());
    slot.isBusy = true;
    for (const shard of slot.layout.shards) this.tokens[layer * this.rule.numShards + shard]! += slot.rowsOfShard[shard]!;
  }

  /** What a slot's micro-batch in flight asks of each expert. */
  routed(slotIndex: number): Pick<ExpertBatch, 'experts' | 'counts'> {
    return this.slots[slotIndex]!.batch;
  }

  /**
   * Waits for the experts of a slot and adds their sums. The shards of a host that failed are asked of another one.
   * @param output [T, H]
   * @throws ShardUnavailableError where no host is left for a shard; the slot is free again then
   */
  combine(slotIndex: number, output: Float32Array): void {
    const slot = this.slots[slotIndex]!;
    if (!slot.isBusy) throw new EngineFailedError(`slot ${slotIndex} has nothing in flight`);
    const failures: Failures = new Map();
    try {
      for (let failed = this.settle(slot, failures); failed.length > 0; failed = this.settle(slot, failures)) {
        slot.keepPartials();
        this.send(slotIndex, failed, failures);
      }
      slot.addTo(output);
    } finally {
      slot.isBusy = false;
    }
  }

  /** Waits for the hosts of a slot, if it is in flight, and drops what they answer. */
  abandon(slotIndex: number): void {
    const slot = this.slots[slotIndex]!;
    this.settle(slot, new Map());
    slot.isBusy = false;
  }

  /** What happened since the last call. */
  drainStats(): DispatchStats {
    const { tokens } = this;
    this.tokens = new Float64Array(tokens.length);
    return { hosts: this.hosts.map((host) => ({ id: host.id, ...host.counters.drain() })), tokens };
  }

  /** Chooses a host for each shard, then sends all of them their part. */
  private send(slotIndex: number, shards: Int32Array, failures: Failures): void {
    const slot = this.slots[slotIndex]!;
    const missing = shards.filter((shard) => this.chooseHost(shard, failures) === null);
    if (missing.length > 0) throw this.unavailable([...missing], failures);
    for (const shard of shards) this.chooseHost(shard, failures)!.exchanges[slotIndex]!.want(shard, slot.rowsOfShard[shard]!);
    for (const host of this.hosts) {
      const exchange = host.exchanges[slotIndex]!;
      if (!exchange.isWanted) continue;
      if (host.addsShards) exchange.join(this.tree, slot.layout.shards);
      this.options.trace?.sending(exchange, slot.batch.layer);
      const numTokens = this.splitter.request(exchange.channel, slot.batch, exchange.wanted, exchange.nodes);
      host.counters.countRequest(exchange.rows, numTokens * this.options.shape.hiddenSize * 4);
      slot.waiting.push(exchange);
    }
    slot.deadline = performance.now() + this.timeoutMs;
  }

  /** The usable host of a shard with the fewest outstanding rows, the first of equals; null where there is none. */
  private chooseHost(shard: number, failures: Failures): HostState | null {
    let chosen: HostState | null = null;
    for (const host of this.hostsOfShard[shard]!) {
      if (!host.isUsable || failures.has(host)) continue;
      if (chosen === null || host.outstandingRows < chosen.outstandingRows) chosen = host;
    }
    return chosen;
  }

  /** Waits until every exchange of the slot is answered or overdue. @returns the shards of those that failed, ascending */
  private settle(slot: Slot, failures: Failures): Int32Array {
    const bell = this.options.clientBell;
    this.options.serveOwnHosts?.();
    this.options.profile?.mark('own-experts');
    for (;;) {
      const seen = bell.value;
      const remaining = slot.deadline - performance.now();
      if (remaining <= 0 || slot.waiting.every((exchange) => exchange.channel.isAnswered)) break;
      bell.wait(seen, remaining);
    }
    this.options.profile?.mark('wait');
    const failed: number[] = [];
    for (const exchange of slot.waiting) {
      const failure = this.takeAnswer(slot, exchange);
      this.options.trace?.settled(exchange, failure !== null);
      if (failure !== null) {
        failures.set(exchange.host, failure);
        exchange.host.counters.countFailure();
        failed.push(...slot.layout.shards.filter((shard) => exchange.wanted[shard] === 1));
      }
      if (!exchange.overdue) exchange.finish();
    }
    slot.waiting.length = 0;
    return Int32Array.from(failed).sort();
  }

  /** Hands the partial sums of an exchange to its slot. @returns how it failed, or null */
  private takeAnswer(slot: Slot, exchange: Exchange): string | null {
    const { channel, host } = exchange;
    if (!channel.isAnswered) {
      exchange.overdue = true;
      return `no answer within ${this.timeoutMs} ms`;
    }
    const answer = channel.takeAnswer();
    if ('failure' in answer) return answer.failure;
    host.counters.countReply(answer.partials.byteLength, channel.exchangeSeconds);
    return slot.receive(exchange, answer.partials)
      ? null
      : `an answer of ${answer.partials.length} numbers, which is not what was asked for`;
  }

  private unavailable(shards: number[], failures: Failures): ShardUnavailableError {
    const hosts = new Set(shards.flatMap((shard) => this.hostsOfShard[shard]!));
    const reasons = Array.from(hosts, (host) => `${host.id}: ${failures.get(host) ?? 'has not answered an earlier request yet'}`);
    const why = reasons.length > 0 ? reasons.join('; ') : 'no host has them';
    return new ShardUnavailableError(`The experts of shard ${shards.join(', ')} cannot be reached (${why})`);
  }
}
