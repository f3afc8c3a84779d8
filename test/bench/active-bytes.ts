import { readManifest } from '@ringmesh/weights';
import { bailingMoeTensors } from './gguf/bailing-moe.ts';
import { tensorBytes } from './gguf/gguf-file.ts';

/** Bytes of weights that one token alone reads, by engine. Of the embedding it reads next to nothing. */
export async function activeBytes(packDir: string): Promise<{ llama: number; ringmesh: number }> {
  const { config, files } = await readManifest(packDir);
  const routed = config.numExpertsPerToken / config.numExperts;
  const ofPack = files.map(({ path, bytes }) => {
    if (!path.endsWith('.bin') || path.endsWith('embedding.bin')) return 0;
    return path.startsWith('shards/') ? bytes * routed : bytes;
  });
  const ofGguf = bailingMoeTensors(config).map((tensor) => {
    if (tensor.name.startsWith('token_embd')) return 0;
    return tensor.name.includes('_exps') ? tensorBytes(tensor) * routed : tensorBytes(tensor);
  });
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
  return { llama: sum(ofGguf), ringmesh: sum(ofPack) };
}
