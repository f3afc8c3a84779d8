import { parseInteger, ShuttingDownError } from '@ringmesh/core';
import { ensurePack } from '@ringmesh/pack';
import { assignShards } from '@ringmesh/placement';
import type { RawRouterOptions } from '@ringmesh/router';
import { readManifest } from '@ringmesh/weights';
import { type ClusterOptions, LocalCluster } from './local-cluster.js';
import { type PackCommandOptions, packOptions, packProgress, verifyProgress } from './pack.js';
import { type HubOptions, modelFolder } from './pull.js';

export interface ServeOptions extends PackCommandOptions, HubOptions, Omit<RawRouterOptions, 'workers'> {
  /** A checkpoint's or a pack's folder, or the name of a model at a hub. */
  model: string;
  /** Worker processes; 0 computes the experts in the router's own process. */
  workers: string;
}

const MAX_WORKERS = 64;

/**
 * Pulls and packs the model where needed, then runs a router and its workers as processes of this machine.
 * @param args options that go to the router and to the workers as they are
 * @param signal ends the start early
 */
export async function serve(
  { model, workers, ...options }: ServeOptions,
  args: Omit<ClusterOptions, 'packDir' | 'shardsOfWorkers'>,
  signal: AbortSignal,
): Promise<LocalCluster> {
  const numWorkers = parseInteger('--workers', workers, 0, MAX_WORKERS) ?? 0;
  const packing = packOptions(options);
  // A wrong option of the router is told now, not after an hour of packing.
  const { parseRouterOptions, readApiKeys } = await import('@ringmesh/router');
  const { areRequired: wantsKey } = await readApiKeys(parseRouterOptions({ ...options, pack: model }));
  const checkpointDir = await modelFolder(model, options, signal);
  const { verify = false } = options;
  const onDamaged = ({ message }: Error): void => console.error(`${message}: it is in the cache, so that is done now`);
  const onProgress = packProgress();
  const packed = ensurePack({ checkpointDir, ...packing, verify, onProgress, onVerify: verifyProgress(), onDamaged });
  const packDir = await Promise.race([packed, rejectedWhenAborted(signal)]);
  const { name, numShards } = await readManifest(packDir);
  signal.throwIfAborted();
  // A pack of the cache was verified just now; another one is by who opens it.
  const verifyArgs = verify && packDir === checkpointDir ? ['--verify'] : [];
  const processes = { ...args, routerArgs: [...args.routerArgs, ...verifyArgs], workerArgs: [...args.workerArgs, ...verifyArgs] };
  const cluster = await LocalCluster.start({ packDir, shardsOfWorkers: assignShards(numShards, numWorkers), ...processes }, signal);
  if (!signal.aborted) console.log(welcome(cluster, { model: options.servedModelName ?? name, wantsKey }));
  return cluster;
}

/** Packing may take minutes; interrupted, it goes on another time where it stopped. */
function rejectedWhenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(new ShuttingDownError('Interrupted while packing'));
    });
  });
}

function welcome({ url, metricsUrl }: LocalCluster, { model, wantsKey }: { model: string; wantsKey: boolean }): string {
  const key = wantsKey ? "-H 'authorization: Bearer KEY' " : '';
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'What is 47 + 85?' }], temperature: 0 });
  return `
Ringmesh serves ${model} at ${url}/v1 (API page: ${url}/docs, metrics: ${metricsUrl}/metrics). Try:

  curl ${url}/v1/chat/completions ${key}-H 'content-type: application/json' -d '${body}'

Ctrl-C ends it.`;
}
