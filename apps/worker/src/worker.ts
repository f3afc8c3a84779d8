import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { monotonicSeconds } from '@ringmesh/core';
import { chooseShards } from '@ringmesh/placement';
import { formatAddress } from '@ringmesh/protocol';
import {
  collectProcessMetrics,
  createLogger,
  createMetricsRegistry,
  type Logger,
  MetricsServer,
  startTracing,
  WorkerMetrics,
} from '@ringmesh/telemetry';
import { PackLayout, type PackManifest, readManifest, verifyPack } from '@ringmesh/weights';
import { ExpertServer } from './expert-server.js';
import { ExpertService } from './expert-service.js';
import type { WorkerOptions } from './options.js';
import { register } from './registration.js';

/** How long replies have to go out where the shutdown timeout is over. */
const MIN_SEND_SECONDS = 1;

/** A worker that listens; its experts may still be loading. */
export interface RunningWorker {
  /** host:port of the expert service, with the real port. */
  address: string;
  /** host:port of /metrics, /health and /ready. */
  metricsAddress: string;
  /** Resolves with the reason when it cannot go on: experts cannot be loaded, or a compute thread ended by itself. Close it then. */
  lost(): Promise<string>;
  /** Takes no new requests, lets those in flight finish and their replies go out within the shutdown timeout, and ends within 3 s of that. */
  close(): Promise<void>;
}

/**
 * Starts a worker. It listens when this resolves, and answers once its experts are loaded.
 * @throws PackInvalidError, InvalidOptionError, ListenFailedError, CoordinationUnavailableError
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { pack, listen, security, threads, maxTokens } = options;
  const manifest = await readManifest(pack);
  const shards = chooseShards('--shards', options.shards, manifest.numShards);
  const log = createLogger({ name: 'worker', level: options.logLevel });
  await verifyShards(options, manifest, shards, log);

  const registry = createMetricsRegistry();
  collectProcessMetrics(registry);
  const metrics = new WorkerMetrics(registry, { numLayers: manifest.config.numLayers, numShards: manifest.numShards });
  const tracer = await startTracing(options.tracing, { service: 'ringmesh-worker', registry, log });
  const lost: PromiseWithResolvers<string> = Promise.withResolvers();
  let isClosing = false;
  let closeBy = 0; // monotonic seconds
  const onFailure = (error: Error): void => {
    if (isClosing) return;
    log.fatal(error.message);
    lost.resolve(error.message);
  };
  const parts = { manifest, shards, threads, maxTokens, metrics, tracer, onFailure };
  const service = new ExpertService({ workerId: randomUUID(), packDir: pack, ...parts });

  const closers: (() => Promise<void>)[] = [async () => tracer?.close(), () => service.close()];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.toReversed()) await close();
  };
  try {
    const isReady = (): boolean => service.isServing;
    const metricsServer = await MetricsServer.listen({ host: listen.host, port: options.metricsPort, registry, isReady });
    closers.push(() => metricsServer.close());
    const server = await ExpertServer.listen({ listen, security, service, metrics });
    closers.push(() => server.close(1000 * Math.max(MIN_SEND_SECONDS, closeBy - monotonicSeconds())));
    const registration = await register(options, server.address, service.info(), log);
    closers.push(() => registration.close());
    const addresses = { address: formatAddress(server.address), metricsAddress: formatAddress(metricsServer.address) };
    log.info({ ...addresses, pack, model: manifest.name, shards }, 'listening; loading the experts');

    const startedAt = performance.now();
    service.load().then(() => {
      server.setServing(true);
      log.info({ seconds: (performance.now() - startedAt) / 1000 }, 'the experts are loaded');
    }, onFailure);
    return {
      ...addresses,
      lost: () => lost.promise,
      close: async () => {
        isClosing = true;
        closeBy = monotonicSeconds() + options.shutdownTimeoutMs / 1000;
        server.setServing(false);
        await registration.announceDraining();
        await Promise.race([service.drain(), delay(options.shutdownTimeoutMs, undefined, { ref: false })]);
        await closeAll();
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Compares the files of the hosted shards with the manifest. */
async function verifyShards({ pack, verify }: WorkerOptions, manifest: PackManifest, shards: number[], log: Logger): Promise<void> {
  const layout = new PackLayout('');
  const folders = shards.map((shard) => `${layout.shard(shard)}/`);
  const includes = (path: string): boolean => folders.some((folder) => path.startsWith(folder));
  const onStart = (bytes: number): void => log.info({ bytes }, 'verifying the files of the shards, once on this machine');
  await verifyPack(pack, manifest, { includes, again: verify, onStart });
}
