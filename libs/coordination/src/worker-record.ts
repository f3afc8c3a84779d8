import { InvalidOptionError } from '@ringmesh/core';

/** What a worker tells routers about itself. */
export interface WorkerRecord {
  /** Unique among running workers; a worker that starts anew takes a new one. */
  id: string;
  /** `host:port` of its gRPC service. */
  address: string;
  /** The shards whose experts it serves, ascending. */
  shards: number[];
  packId: string;
  /** Compute threads. */
  threads: number;
  /** What it computes on, for people to read. */
  device: string;
  /** True once it takes no new work. */
  draining: boolean;
}

const MAX_TEXT = 256;
const MAX_SHARDS = 1_024;
const MAX_THREADS = 1_024;
/** Of the JSON text; longer than any record within the other limits. */
const MAX_RECORD_LENGTH = 16_384;
const ADDRESS = /^(\[[\da-f:.]+\]|[^\s:/[\]]+):\d{1,5}$/i;

/** @throws InvalidOptionError naming the first field that is wrong. */
export function encodeWorkerRecord(worker: WorkerRecord): string {
  return JSON.stringify(checked(worker));
}

/** The inverse of {@link encodeWorkerRecord}, of a text kept under `id` that may come from anywhere. @throws InvalidOptionError, SyntaxError */
export function decodeWorkerRecord(id: string, text: string): WorkerRecord {
  if (text.length > MAX_RECORD_LENGTH) throw invalid('record', `at most ${MAX_RECORD_LENGTH} characters`);
  const worker = checked(JSON.parse(text) as unknown);
  if (worker.id !== id) throw invalid('id', 'the one that its record is kept under');
  return worker;
}

function checked(value: unknown): WorkerRecord {
  if (typeof value !== 'object' || value === null) throw invalid('record', 'an object');
  const { id, address, shards, packId, threads, device, draining } = value as Partial<Record<keyof WorkerRecord, unknown>>;
  if (!isText(id)) throw invalid('id', TEXT);
  if (!isText(address) || !ADDRESS.test(address)) throw invalid('address', 'host:port');
  if (!isShardList(shards)) throw invalid('shards', `a list of different integers from 0 to ${MAX_SHARDS - 1}, ascending`);
  if (!isText(packId)) throw invalid('packId', TEXT);
  if (!isInteger(threads, 1, MAX_THREADS)) throw invalid('threads', `an integer from 1 to ${MAX_THREADS}`);
  if (!isText(device)) throw invalid('device', TEXT);
  if (typeof draining !== 'boolean') throw invalid('draining', 'true or false');
  return { id, address, shards, packId, threads, device, draining };
}

const TEXT = `a text of 1 to ${MAX_TEXT} characters`;

const isText = (value: unknown): value is string => typeof value === 'string' && value.length >= 1 && value.length <= MAX_TEXT;

const isInteger = (value: unknown, min: number, max: number): value is number =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max;

const isShardList = (value: unknown): value is number[] =>
  Array.isArray(value) &&
  value.every((shard, index) => isInteger(shard, index === 0 ? 0 : (value[index - 1] as number) + 1, MAX_SHARDS - 1));

function invalid(field: string, expected: string): InvalidOptionError {
  return new InvalidOptionError(`Worker ${field} must be ${expected}.`, { field: `worker.${field}` });
}
