import { Worker } from 'node:worker_threads';
import { EngineFailedError, errorFromMessage } from '@ringmesh/core';
import type { PackFile } from '@ringmesh/weights';
import type { PackThreadData, PackThreadReply } from './pack-thread.js';
import type { PackUnit } from './units.js';

/**
 * Writes units on several threads, each the next one that nobody has taken yet.
 * @param onWritten called after each unit, in no fixed order
 * @throws the first error of a unit or of `onWritten`, after all threads have ended
 */
export async function writeUnits(
  units: PackUnit[],
  numThreads: number,
  data: PackThreadData,
  onWritten: (unit: PackUnit, files: PackFile[]) => void,
): Promise<void> {
  const waiting = units.values();
  const threads = Array.from({ length: Math.min(numThreads, units.length) }, () => new PackThread(data));
  try {
    await Promise.all(
      threads.map(async (thread) => {
        for (const unit of waiting) onWritten(unit, await thread.write(unit));
      }),
    );
  } finally {
    await Promise.all(threads.map((thread) => thread.close()));
  }
}

/** A thread that writes one unit at a time. */
class PackThread {
  private readonly worker: Worker;
  private answer: PromiseWithResolvers<PackFile[]> | null = null;

  constructor(data: PackThreadData) {
    this.worker = new Worker(new URL('./pack-thread.js', import.meta.url), { workerData: data });
    this.worker.on('message', (reply: PackThreadReply) => {
      if ('files' in reply) this.answer?.resolve(reply.files);
      else this.answer?.reject(errorFromMessage(reply.error));
    });
    this.worker.on('error', (cause) => this.answer?.reject(new EngineFailedError(`Packing failed: ${String(cause)}`, { cause })));
    this.worker.on('exit', (code) => this.answer?.reject(new EngineFailedError(`A packing thread ended with code ${code}`)));
  }

  write({ part }: PackUnit): Promise<PackFile[]> {
    this.answer = Promise.withResolvers();
    this.worker.postMessage(part);
    return this.answer.promise;
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }
}
