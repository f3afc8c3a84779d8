import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { PackLayout, readManifest, verifyPack } from '@ringmesh/weights';
import { type EngineCallbacks, EngineHandle } from './engine-handle.js';
import { type EngineOptions, resolveOptions } from './engine-options.js';

/**
 * Starts the engine's thread and its experts, and returns while they still load: `readiness` and `whenReady` tell how far they are.
 * @throws InvalidOptionError, and PackInvalidError for a folder that is no pack, or files that are not as its manifest says
 */
export async function startEngine(options: EngineOptions, callbacks: EngineCallbacks): Promise<EngineHandle> {
  const manifest = await readManifest(options.packDir);
  const machine = { cores: availableParallelism(), freeMemoryBytes: process.availableMemory() };
  const settings = resolveOptions(options, manifest.config, machine);
  const onStart = (totalBytes: number): void => callbacks.onVerify?.(totalBytes);
  await verifyPack(options.packDir, manifest, { includes: opened(options), again: options.verify ?? false, onStart });
  return new EngineHandle(manifest, options, settings, callbacks);
}

/** Which files of the pack this process opens: the experts' only where they are local. */
function opened({ workers }: EngineOptions): (path: string) => boolean {
  const shards = dirname(new PackLayout('').shard(0));
  return (path) => workers === 'local' || !path.startsWith(`${shards}/`);
}
