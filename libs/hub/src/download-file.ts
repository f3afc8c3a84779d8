import { join } from 'node:path';
import { CheckpointCorruptError } from '@ringmesh/core';
import type { HubClient } from './hub-client.js';
import type { HubFile } from './hub-file.js';
import { PartialFile } from './partial-file.js';
import type { PullProgress } from './pull-progress.js';
import { type Retries, TransientError } from './retries.js';

export interface DownloadOptions {
  dir: string;
  url: string;
  client: HubClient;
  retries: Retries;
  progress: PullProgress;
}

/**
 * Loads one file into `dir`, from where an earlier attempt or run was cut. What is put together from several answers and does not match the
 * checksum is loaded once more as a whole: the file may have changed at the hub in between.
 * @throws CheckpointCorruptError where size or checksum are not what the hub lists; the bytes are deleted
 */
export async function downloadFile(file: HubFile, { dir, url, client, retries, progress }: DownloadOptions): Promise<void> {
  const partial = await PartialFile.open(join(dir, file.path), file, progress);
  const fetchAll = () =>
    retries.run(
      () => fetchRest(file, url, client, partial),
      () => partial.size,
    );
  try {
    await partial.resume();
    await fetchAll();
    if (!partial.isIntact && partial.isPatchwork) {
      await partial.restart();
      await fetchAll();
    }
    if (!partial.isIntact) {
      throw corrupt(file, `has ${file.checksum?.algorithm} ${partial.digest}, but the hub lists ${file.checksum?.hex}; it was deleted`);
    }
    await partial.complete();
  } catch (error) {
    if (error instanceof CheckpointCorruptError) await partial.discard();
    throw error;
  } finally {
    await partial.close();
  }
}

async function fetchRest(file: HubFile, url: string, client: HubClient, partial: PartialFile): Promise<void> {
  if (partial.size === file.size) return;
  // Nobody could tell whether what two answers gave belongs together.
  if (file.checksum === null && partial.size > 0) await partial.restart();
  const headers: Record<string, string> = partial.size > 0 ? { range: `bytes=${partial.size}-` } : {};
  await client.get(url, file.path, headers, async (answer, bytes) => {
    const { start, total } = contentRange(answer);
    if (total !== undefined && total !== file.size) throw corrupt(file, `has ${total} bytes, but the hub lists ${file.size}`);
    if (start === partial.size) partial.isPatchwork ||= start > 0;
    else await partial.restart();
    if (start !== partial.size) throw new TransientError(`${file.path}: the answer starts at byte ${start}`);
    for await (const chunk of bytes) {
      if (partial.size + chunk.length > file.size) throw corrupt(file, `has more than the ${file.size} bytes that the hub lists`);
      await partial.append(chunk);
    }
    if (partial.size < file.size) throw new TransientError(`${file.path}: the answer ended ${file.size - partial.size} bytes early`);
  });
}

/**
 * Where in the file the answer starts, and how long the file is where it says so. The status does not tell: ModelScope answers a range with 200,
 * and a server may ignore that a range was asked for.
 */
function contentRange(headers: Headers): { start: number; total?: number } {
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
  if (match !== null) return { start: Number(match[1]), ...(match[2] === '*' ? {} : { total: Number(match[2]) }) };
  const length = headers.get('content-length');
  return { start: 0, ...(length === null || headers.has('content-encoding') ? {} : { total: Number(length) }) };
}

function corrupt({ path }: HubFile, problem: string): CheckpointCorruptError {
  return new CheckpointCorruptError(`${path} ${problem}; pull again`, { field: path });
}
