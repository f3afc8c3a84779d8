import { parseInteger } from '@ringmesh/core';
import { ensurePack } from '@ringmesh/pack';
import { assignShards } from '@ringmesh/placement';
import { readManifest } from '@ringmesh/weights';
import { LocalCluster } from './local-cluster.js';
import { type PackCommandOptions, packOptions, packProgress } from './pack.js';
import { type HubOptions, modelFolder } from './pull.js';

export interface ServeOptions extends PackCommandOptions, HubOptions {
  /** A checkpoint's or a pack's folder, or the name of a model at a hub. */
  model: string;
  /** Worker processes; 0 computes the experts in the router's own process. */
  workers: string;
}

const MAX_WORKERS = 64;

/**
 * Pulls and packs the model where needed, then runs a router and its workers as processes of this machine.
 * @param routerArgs options that go to the router as they are
 * @param signal ends the start early
 */
export async function serve(
  { model, workers, ...options }: ServeOptions,
  routerArgs: string[],
  signal: AbortSignal,
): Promise<LocalCluster> {
  const numWorkers = parseInteger('--workers', workers, 0, MAX_WORKERS) ?? 0;
  const checkpointDir = await modelFolder(model, options, signal);
  const packDir = await ensurePack({ checkpointDir, onProgress: packProgress(), ...packOptions(options) });
  const { name, numShards } = await readManifest(packDir);
  const cluster = await LocalCluster.start(packDir, assignShards(numShards, numWorkers), routerArgs, signal);
  if (!signal.aborted) console.log(welcome(cluster.url, name));
  return cluster;
}

function welcome(url: string, model: string): string {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'What is 47 + 85?' }], temperature: 0 });
  return `
Ringmesh serves ${model} at ${url}/v1 (API page: ${url}/docs, metrics: ${url}/metrics). Try:

  curl ${url}/v1/chat/completions -H 'content-type: application/json' -d '${body}'

Ctrl-C ends it.`;
}
