import { InvalidOptionError } from '@ringmesh/core';
import { checkFreeSpace, explainDiskFull } from './disk-space.js';
import { downloadFile } from './download-file.js';
import { lockFolder } from './folder-lock.js';
import { findMissing, partialBytes } from './folder-state.js';
import { HUBS } from './hub.js';
import { HubClient } from './hub-client.js';
import { chooseFiles, type HubFile } from './hub-file.js';
import { listFiles } from './list-files.js';
import { type PullOptions, repositoryOf } from './pull-options.js';
import { PullProgress } from './pull-progress.js';
import { type PullRecord, readRecord, writeRecord } from './pull-record.js';
import { Retries, SYSTEM_TIMING } from './retries.js';

const STALL_MS = 60_000;
const CONCURRENCY = 4;

export interface Pulled {
  /** Of all files of the checkpoint. */
  totalBytes: number;
  /** Of what came over the network. */
  receivedBytes: number;
  /** Files whose size alone was checked, because the hub knows no checksum of theirs. */
  unverified: string[];
}

/**
 * Makes a folder hold what a hub has of a model: loads what is missing, several files at once, each from where it was cut, and compares everything
 * with the hub's checksums.
 * @throws InvalidOptionError, HubUnavailableError, HubAccessDeniedError, CheckpointMissingError, CheckpointCorruptError, DiskFullError,
 * PullInProgressError
 */
export async function pullCheckpoint(options: PullOptions): Promise<Pulled> {
  const { dir, source, token, timing = SYSTEM_TIMING, stallMs = STALL_MS, onRetry = () => undefined } = options;
  const hub = HUBS[source];
  const repository = repositoryOf(options);
  const { model, revision } = repository;
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  const retries = new Retries(signal, timing, onRetry);
  const client = new HubClient({ hub, repository, token, signal, stallMs });

  const unlock = await lockFolder(dir);
  try {
    const files = chooseFiles(await listFiles(hub, repository, client, retries), `${model} (${revision}, ${hub.title})`);
    const record: PullRecord = { source, model, revision, complete: true, files };
    const missing = await prepare(dir, record);
    const progress = new PullProgress(sizeOfAll(files), options.onProgress);
    progress.found(progress.total - sizeOfAll(missing));
    const load = (file: HubFile): Promise<void> =>
      downloadFile(file, { dir, url: hub.fileUrl(repository, file.path), client, retries, progress }).catch(async (error: unknown) => {
        throw await explainDiskFull(error, dir, progress.total - progress.done);
      });
    await inParallel(missing, options.concurrency ?? CONCURRENCY, stop, load);
    signal.throwIfAborted();
    if (missing.length > 0) await writeRecord(dir, record);
    const unverified = files.filter(({ checksum }) => checksum === null).map(({ path }) => path);
    return { totalBytes: progress.total, receivedBytes: progress.received, unverified };
  } finally {
    unlock();
  }
}

/** Readies the folder for what it is to hold, and records that it does not yet. @returns the files to load */
async function prepare(dir: string, wanted: PullRecord): Promise<HubFile[]> {
  const record = await readRecord(dir);
  if (record !== null && record.model !== wanted.model) {
    throw new InvalidOptionError(`--to ${dir} holds ${record.model}; give ${wanted.model} a folder of its own`, { field: '--to' });
  }
  const missing = await findMissing(dir, record, wanted.files);
  await checkFreeSpace(dir, sizeOfAll(missing) - (await partialBytes(dir, missing)));
  const complete = missing.length === 0;
  if (JSON.stringify(record) !== JSON.stringify({ ...wanted, complete })) await writeRecord(dir, { ...wanted, complete });
  return missing;
}

/** Does `work` on all items, so many at once; the first failure stops the others, with itself as the reason. */
async function inParallel<T>(items: readonly T[], atOnce: number, stop: AbortController, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const next = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, () => next().catch((error: unknown) => stop.abort(error))));
}

function sizeOfAll(files: readonly HubFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
