import { PackMismatchError } from '@ringmesh/core';
import { type ChannelBuffers, type ChannelShape, ExpertChannel, type InfoReply } from '@ringmesh/protocol';

/**
 * `connecting`: not reached yet. `loading`: some of its shards are not there yet. `unreachable`: tried again by itself. `mismatch`: it
 * serves another pack, or too small messages, and is not used. `draining`: it is shutting down and takes no new work.
 */
export type WorkerState = 'connecting' | 'loading' | 'ready' | 'draining' | 'mismatch' | 'unreachable';

/** What the thread that speaks gRPC knows of one worker. */
export interface WorkerStatus {
  /** host:port, as the operator gave it; `local-0` and so on for threads of this process. Names the worker in errors, logs and metrics. */
  address: string;
  state: WorkerState;
  /** Shards that it computes now, ascending; none unless `ready` or `loading`. */
  shards: number[];
  /** Whether it adds up the sums of its shards before it sends them. */
  addsShards?: boolean;
  /** What an operator should read: the last error, what is still loading. */
  detail: string;
}

/** A worker and the channels that lead to it. */
export interface RemoteWorker extends WorkerStatus {
  /** One per slot; others where the worker was removed and added again. */
  channels: ChannelBuffers[];
}

/** The pack that the router serves: a worker must hold the same. */
export interface ExpectedPack {
  packId: string;
  /** Name of the model, for messages. */
  name: string;
}

/** Requests sent to a worker and not yet answered: read from shared memory, so any thread may ask while the engine's waits for them. */
export function requestsInFlight({ channels }: RemoteWorker): number {
  return channels.map((buffers) => new ExpertChannel(buffers)).filter(({ isIdle, isAnswered }) => !isIdle && !isAnswered).length;
}

/** One line for a log or for /ready. */
export function describeWorker({ address, state, shards, detail }: WorkerStatus): string {
  const hosted = shards.length > 0 ? `, shards ${shards.join(', ')}` : '';
  return `worker ${address}: ${state}${hosted}${detail === '' ? '' : ` (${detail})`}`;
}

/** @throws PackMismatchError where a worker cannot be used with this pack and these channels */
export function checkInfo(info: InfoReply, expected: ExpectedPack, shape: ChannelShape): void {
  if (info.packId !== expected.packId) {
    const theirs = `pack ${info.packId.slice(0, 12)} (${info.modelName})`;
    const ours = `${expected.packId.slice(0, 12)} (${expected.name})`;
    throw new PackMismatchError(`it serves ${theirs}, this router ${ours}: start both with the same pack`);
  }
  for (const field of ['numShards', 'numExperts', 'hiddenSize', 'expertsPerToken'] as const) {
    if (info[field] !== shape[field]) throw new PackMismatchError(`its ${field} is ${info[field]}, this router's ${shape[field]}`);
  }
  if (info.maxTokens < shape.maxTokens) {
    const limits = `it takes ${info.maxTokens} tokens a request, this router sends up to ${shape.maxTokens}`;
    throw new PackMismatchError(`${limits}: start it with --max-tokens ${shape.maxTokens}`);
  }
}
