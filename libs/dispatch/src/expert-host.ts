import { EngineFailedError } from '@ringmesh/core';
import type { PlacedHost, ReductionTree } from '@ringmesh/placement';
import { type ChannelBuffers, type ChannelShape, ExpertChannel } from '@ringmesh/protocol';
import type { HostCounters } from './dispatch-stats.js';

/** A place that serves shards, reached through shared memory. Its id names it in errors and metrics. */
export interface ExpertHost extends PlacedHost {
  /** One per slot. */
  channels: ChannelBuffers[];
  /** Whether it adds up the partial sums of its shards where the reduction tree allows that, so that fewer are to be brought here. */
  addsShards?: boolean | undefined;
}

/** What one host does for one slot: at most one request at a time. */
export class Exchange {
  readonly channel: ExpertChannel;
  /** 1 for the shards asked of this host. */
  readonly wanted: Uint8Array; // [S]
  /** Given up on, but the host may still be at work: the channel must not be used before it is answered. */
  overdue: boolean;
  /** Where the trace has the request at hand; -1 where it does not. */
  span = -1;
  /** (token, expert) pairs of the wanted shards. */
  rows = 0;
  /** Nodes of the reduction tree whose sums are asked for; none where each shard's are. */
  nodes = new Int32Array(); // [N]
  private readonly nodeMemory: Int32Array<ArrayBuffer>; // [S]

  constructor(
    readonly host: HostState,
    buffers: ChannelBuffers,
  ) {
    this.channel = new ExpertChannel(buffers);
    this.wanted = new Uint8Array(buffers.shape.numShards);
    this.nodeMemory = new Int32Array(buffers.shape.numShards);
    this.overdue = !this.channel.isIdle;
  }

  get isWanted(): boolean {
    return this.rows > 0 && !this.overdue;
  }

  /** Adds a shard, with its (token, expert) pairs, to what will be asked of this host. */
  want(shard: number, rows: number): void {
    this.wanted[shard] = 1;
    this.rows += rows;
    this.host.outstandingRows += rows;
  }

  /** Has the wanted shards' sums added up as far as the host may. @param shards all that have rows, ascending */
  join(tree: ReductionTree, shards: Int32Array): void {
    this.nodes = this.nodeMemory.subarray(0, tree.cover(shards, this.wanted, this.nodeMemory));
  }

  /** Forgets what was asked: the answer is there, or nothing was sent. */
  finish(): void {
    this.host.outstandingRows -= this.rows;
    this.rows = 0;
    this.wanted.fill(0);
    this.nodes = new Int32Array();
    this.overdue = false;
  }
}

/** A host as the dispatcher sees it. */
export class HostState implements PlacedHost {
  readonly id: string;
  readonly shards: number[];
  readonly addsShards: boolean;
  readonly exchanges: Exchange[]; // [numSlots]
  /** (token, expert) pairs asked for and not answered, over all slots. */
  outstandingRows = 0;

  constructor(
    { id, shards, channels, addsShards = false }: ExpertHost,
    { shape, numSlots }: { shape: ChannelShape; numSlots: number },
    readonly counters: HostCounters,
  ) {
    if (channels.length !== numSlots || channels.some((channel) => !sameShape(channel.shape, shape))) {
      throw new EngineFailedError(`host ${id}: ${numSlots} channels of shape ${JSON.stringify(shape)} are needed`);
    }
    this.id = id;
    this.shards = shards;
    this.addsShards = addsShards;
    this.exchanges = channels.map((buffers) => new Exchange(this, buffers));
  }

  /** Whether the host may be asked: not while an answer that was given up on is still to come. */
  get isUsable(): boolean {
    for (const exchange of this.exchanges) {
      if (!exchange.overdue) continue;
      if (!exchange.channel.isAnswered) return false;
      exchange.channel.takeAnswer();
      exchange.finish();
    }
    return true;
  }
}

function sameShape(a: ChannelShape, b: ChannelShape): boolean {
  return (Object.keys(a) as (keyof ChannelShape)[]).every((key) => a[key] === b[key]);
}
