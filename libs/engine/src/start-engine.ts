import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { PackLayout, readManifest, verifyPack } from '@ringmesh/weights';
import { type EngineCallbacks, EngineHandle } from './engine-handle.js';
import { type EngineOptions, localShardsOf, resolveOptions } from './engine-options.js';

/**
 * Starts the engine's thread and its experts, and returns while they still load: `readiness` and `whenReady` tell how far they are.
 * @throws InvalidOptionError, and PackInvalidError for a folder that is no pack, or files that are not as its manifest says
 */
export async function startEngine(options: EngineOptions, callbacks: EngineCallbacks): Promise<EngineHandle> {
  const manifest = await readManifest(options.packDir);
  const machine = { cores: availableParallelism(), freeMemoryBytes: process.availableMemory() };
  const settings = resolveOptions(options, manifest, machine);
  const localShards = localShardsOf(options, manifest);
  const onStart = (totalBytes: number): void => callbacks.onVerify?.(totalBytes);
  await verifyPack(options.packDir, manifest, { includes: opened(localShards), again: options.verify ?? false, onStart });
  return new EngineHandle(manifest, { ...options, localShards }, settings, callbacks);
}

/** Which files of the pack this process opens: the router's, and the experts' of local shards. */
function opened(localShards: number[]): (path: string) => boolean {
  const layout = new PackLayout('');
  const allShards = `${dirname(layout.shard(0))}/`;
  const folders = localShards.map((shard) => `${layout.shard(shard)}/`);
  return (path) => !path.startsWith(allShards) || folders.some((folder) => path.startsWith(folder));
}
