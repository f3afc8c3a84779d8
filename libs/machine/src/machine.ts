import { availableParallelism, totalmem } from 'node:os';
import { type ControlGroupLimits, readControlGroupLimits } from './control-group.js';
import { type HugePages, parseHugePages } from './huge-pages.js';
import { parseProcessor, type Processor } from './processor.js';
import { readText } from './text-file.js';

/** The machine as far as it decides how fast a model runs; null where the system does not say. */
export interface Machine {
  processor: Processor;
  /** Threads that this process may run at once. */
  cores: number;
  memory: { totalBytes: number; availableBytes: number };
  limits: ControlGroupLimits;
  hugePages: HugePages | null;
  /** Version of the C library; null: it is another one. */
  glibc: string | null;
}

export async function readMachine(): Promise<Machine> {
  return {
    processor: parseProcessor((await readText('/proc/cpuinfo')) ?? ''),
    cores: availableParallelism(),
    memory: { totalBytes: totalmem(), availableBytes: process.availableMemory() },
    limits: await readControlGroupLimits(readText),
    hugePages: parseHugePages((await readText('/sys/kernel/mm/transparent_hugepage/enabled')) ?? ''),
    glibc: glibcVersion(),
  };
}

function glibcVersion(): string | null {
  // The types of Node 24 lack it. Without it the report looks up the names of all network peers.
  Object.assign(process.report, { excludeNetwork: true });
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime ?? null;
}
