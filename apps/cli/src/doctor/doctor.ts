import { InvalidOptionError, parseInteger, ProcessEndedError } from '@ringmesh/core';
import { machineHints, measureBandwidth, readMachine } from '@ringmesh/machine';
import { assignShards } from '@ringmesh/placement';
import { activeWeightBytes, type PackManifest, readManifest, verifyPack } from '@ringmesh/weights';
import { LocalCluster } from '../local-cluster.js';
import { verifyProgress } from '../pack.js';
import { measureDecode } from './decode-speed.js';
import type { Bandwidth, MachineReport, PackReport } from './doctor-report.js';
import { machineText, packText } from './doctor-text.js';
import { memoryHint, packHints } from './pack-hints.js';
import { measureProcess } from './process-figures.js';

export interface DoctorOptions {
  workers?: string;
  json?: boolean;
}

const MAX_WORKERS = 64;
const STOP_MS = 5000;

/**
 * Measures this machine and, where a pack is named, the pack on it: its processes are started as `serve` starts them, asked once, and ended.
 * @param signal ends it early
 * @throws InvalidOptionError, PackInvalidError, and what keeps the processes from starting or answering
 */
export async function doctor(packDir: string | undefined, { workers, json = false }: DoctorOptions, signal: AbortSignal): Promise<void> {
  const numWorkers = parseInteger('--workers', workers, 0, MAX_WORKERS) ?? 0;
  if (packDir === undefined && workers !== undefined) {
    throw new InvalidOptionError('--workers: name the pack that they are to serve: ringmesh doctor PACK --workers 2', {
      field: '--workers',
    });
  }
  const manifest = packDir === undefined ? null : await verifiedManifest(packDir, signal);
  const machine = await readMachine();
  const bandwidth = await measureMemory(machine.cores, signal);
  const machineReport: MachineReport = { machine, bandwidth, hints: machineHints(machine) };
  if (!json) console.log(machineText(machineReport));
  let pack: PackReport | null = null;
  if (packDir !== undefined && manifest !== null) {
    pack = await measurePack({ packDir, manifest, numWorkers, machineReport }, signal);
    if (!json) console.log(`\n${packText(pack)}`);
  }
  if (json) console.log(JSON.stringify({ ...machineReport, pack }, null, 2));
}

/** Hashes the files first, where this machine has not: it takes time that only a first start takes. */
async function verifiedManifest(packDir: string, signal: AbortSignal): Promise<PackManifest> {
  const manifest = await readManifest(packDir);
  const show = verifyProgress();
  await verifyPack(packDir, manifest, {
    onProgress: (progress) => {
      signal.throwIfAborted();
      show(progress);
    },
  });
  return manifest;
}

async function measureMemory(threads: number, signal: AbortSignal): Promise<Bandwidth> {
  const oneThread = await measureBandwidth(1, signal);
  return { oneThread, threads, allThreads: threads === 1 ? oneThread : await measureBandwidth(threads, signal) };
}

interface Subject {
  packDir: string;
  manifest: PackManifest;
  numWorkers: number;
  machineReport: MachineReport;
}

async function measurePack({ packDir, manifest, numWorkers, machineReport }: Subject, signal: AbortSignal): Promise<PackReport> {
  const { name, quantization, numShards, files } = manifest;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const { machine, bandwidth } = machineReport;
  const early = memoryHint(bytes, machine.memory.availableBytes);
  for (const hint of early) console.error(hint);

  signal.throwIfAborted();
  const startedAt = performance.now();
  const logArgs = ['--log-level', 'warn'];
  const cluster = await LocalCluster.start(
    {
      packDir,
      shardsOfWorkers: assignShards(numShards, numWorkers),
      routerArgs: ['--port', '0', ...logArgs],
      workerArgs: logArgs,
      shutdownTimeoutMs: STOP_MS,
    },
    signal,
  );
  try {
    const readySeconds = (performance.now() - startedAt) / 1000;
    const measured = await Promise.race([measureDecode(cluster.url, manifest.config.maxPositionEmbeddings, signal), lost(cluster)]);
    // Only now, when all that an answer needs is in memory.
    const processes = await Promise.all(cluster.members().map((member) => measureProcess(member, packDir, manifest)));
    const shares = processes.map(({ memory }) => memory?.pss ?? memory?.rss ?? NaN);
    const memoryBytes = shares.reduce((sum, share) => sum + share, 0);
    const bytesPerToken = activeWeightBytes(manifest);
    const report = {
      name,
      quantization,
      numShards,
      bytes,
      processes,
      together: { readySeconds, memoryBytes: Number.isNaN(memoryBytes) ? null : memoryBytes },
      speed: { bytesPerToken, bound: Math.max(bandwidth.oneThread, bandwidth.allThreads) / bytesPerToken, measured },
    };
    return { ...report, hints: [...early, ...packHints(report)] };
  } finally {
    await cluster.close();
  }
}

async function lost(cluster: LocalCluster): Promise<never> {
  throw new ProcessEndedError(await cluster.lost());
}
