import { activeWeightBytes, readManifest } from '@ringmesh/weights';
import { bailingMoeTensors } from './gguf/bailing-moe.ts';
import { tensorBytes } from './gguf/gguf-file.ts';

/** Bytes of weights that one token alone reads, by engine. Of the embedding it reads next to nothing. */
export async function activeBytes(packDir: string): Promise<{ llama: number; ringmesh: number }> {
  const manifest = await readManifest(packDir);
  const { config } = manifest;
  const routed = config.numExpertsPerToken / config.numExperts;
  const ofGguf = bailingMoeTensors(config).map((tensor) => {
    if (tensor.name.startsWith('token_embd')) return 0;
    return tensor.name.includes('_exps') ? tensorBytes(tensor) * routed : tensorBytes(tensor);
  });
  return { llama: ofGguf.reduce((sum, bytes) => sum + bytes, 0), ringmesh: activeWeightBytes(manifest) };
}
